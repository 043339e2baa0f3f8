import type {
  ExecutionContext,
  FactoryProvider,
  InjectionToken,
  ModuleMetadata,
  Provider,
  Type,
} from '@nestjs/common';
import type { AgentOptions } from '../agent/agent-options.js';
import type { ApprovalOptions } from '../approvals/pending-signer.js';
import type { BackgroundOptions } from '../dispatch/background/background.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { LlmOptions } from '../llm/llm-options.js';
import type { Prices } from '../prices/price-book.js';
import type { RedactOptions } from '../redaction/redact-options.js';
import type { Redactor } from '../redaction/redactor.js';
import type { RunContext } from '../runs/request-context.js';

/** Options of `CallbacksModule.forRoot()`. */
export interface CallbacksModuleOptions {
  /** The default client. Without it, the first call of `LlmService` fails with an error that explains this. */
  llm?: LlmOptions;
  /** The default agent, which `AgentService` runs. */
  agent?: AgentOptions;
  /** Global callbacks: called before discovered ones, in this order. */
  callbacks?: object[];
  /**
   * Returns the user, tenant and other context of a request. Called after guards, once per HTTP request, WebSocket
   * message or microservice message. If it throws, the request is rejected.
   */
  context?: (host: ExecutionContext) => RunContext | Promise<RunContext>;
  /** Signs pending runs of agents, so that only runs of this application can be resumed, and only once. */
  approvals?: ApprovalOptions;
  /**
   * What built-ins remove from events before they leave the process: as log lines, spans or jobs. The default removes
   * what has the name or the form of a common secret; options add to it, a `Redactor` replaces it, and `false` lets
   * everything pass.
   */
  redact?: false | RedactOptions | Redactor;
  /** Prices in US dollars per million tokens, by `'model'` or `'provider/model'`; they override the price list. */
  prices?: Prices;
  /** Settings of background handlers, and how long shutdown waits for active runs. */
  background?: BackgroundOptions;
  /**
   * Whether every module can inject the services without importing `CallbacksModule`.
   * @default true
   */
  isGlobal?: boolean;
}
/** A value of this name, because compilers import the types in decorated signatures. */
export const CallbacksModuleOptions: object = Object;

/** Options of a named client: `CallbacksModule.forFeature()`. */
export interface FeatureOptions {
  /** The client's name, which is also the name of its scope. */
  name: string;
  /** Merged over `forRoot`'s when the provider is the same. */
  llm?: Partial<LlmOptions>;
  /** The agent of this client; inject it by `@InjectAgent('name')`. */
  agent?: AgentOptions;
  /** Callbacks of this client's runs and everything nested in them. */
  callbacks?: object[];
}
/** A value of this name, because compilers import the types in decorated signatures. */
export const FeatureOptions: object = Object;

/** Creates options, for `useClass` and `useExisting`. */
export interface OptionsFactory<T> {
  /** Called once, when the application starts. */
  createCallbacksOptions(): T | Promise<T>;
}

/** How other providers create options. */
export interface AsyncOptions<T> extends Pick<ModuleMetadata, 'imports'> {
  /** The tokens of the arguments of `useFactory`. None may be request-scoped. */
  inject?: NonNullable<FactoryProvider['inject']>;
  /** Creates the options; set this, `useClass` or `useExisting`. */
  useFactory?: (...dependencies: never[]) => T | Promise<T>;
  /** A class that creates the options; it is instantiated in a separate module. */
  useClass?: Type<OptionsFactory<T>>;
  /** The token of a provider that creates the options. */
  useExisting?: Type<OptionsFactory<T>>;
}

/** Options of `CallbacksModule.forRootAsync()`. */
export interface CallbacksModuleAsyncOptions extends AsyncOptions<
  Omit<CallbacksModuleOptions, 'isGlobal'>
> {
  /** @default true */
  isGlobal?: boolean;
}

/** Options of `CallbacksModule.forFeatureAsync()`: the name is static, because it is part of a token. */
export interface FeatureAsyncOptions extends AsyncOptions<Omit<FeatureOptions, 'name'>> {
  /** The client's name, which is also the name of its scope. */
  name: string;
}

type Imports = NonNullable<AsyncOptions<unknown>['imports']>;

/** The provider of async options, and the modules that it needs. */
export function asyncOptions<T>(
  token: InjectionToken,
  { imports = [], inject = [], useFactory, useClass, useExisting }: AsyncOptions<T>,
  method: string,
): { imports: Imports; provider: Provider } {
  if (useFactory) return { imports, provider: { provide: token, useFactory, inject } };
  const create = (factory: OptionsFactory<T>) => {
    if (typeof factory?.createCallbacksOptions === 'function')
      return factory.createCallbacksOptions();
    const name = (useExisting ?? useClass)?.name ?? 'its class';
    throw new CallbacksConfigurationError(
      `CallbacksModule.${method}: ${name} has no method createCallbacksOptions(), which gives the options: let the class implement OptionsFactory.`,
    );
  };
  if (useExisting)
    return { imports, provider: { provide: token, useFactory: create, inject: [useExisting] } };
  if (!useClass) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.${method}: give useFactory, useClass or useExisting.`,
    );
  }
  // A separate module provides the class's dependencies.
  const module = {
    module: class CallbacksOptionsModule {},
    imports,
    providers: [useClass],
    exports: [useClass],
  };
  return {
    imports: [module],
    provider: { provide: token, useFactory: create, inject: [useClass] },
  };
}

/** Marks the module of `forRoot`; holds the default client. */
export const ROOT_CLIENT = Symbol.for('nestjs-llm-callbacks:root-client');

/**
 * The token of the options of `forRoot()` or `forRootAsync()`: to inject them, or to override them in a test.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(CALLBACKS_OPTIONS).useValue({ llm });
 * ```
 */
export const CALLBACKS_OPTIONS: unique symbol = Symbol.for('nestjs-llm-callbacks:options');

const FEATURE = 'nestjs-llm-callbacks:feature:';

/** The token of the options of a feature, like {@link CALLBACKS_OPTIONS} for `forRoot`. */
export function getFeatureOptionsToken(name: string): symbol {
  return Symbol.for(`${FEATURE}${name}`);
}

/** The name of the feature whose options a token holds. */
export function featureOfToken(token: unknown): string | undefined {
  const { description } = Object(token) as { description?: unknown };
  if (typeof token !== 'symbol' || typeof description !== 'string') return undefined;
  return description.startsWith(FEATURE) ? description.slice(FEATURE.length) : undefined;
}
