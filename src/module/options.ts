import type { ExecutionContext, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AgentOptions } from '../agent/agent-options.js';
import type { ApprovalOptions } from '../approvals/approval-options.js';
import type { BackgroundOptions } from '../dispatch/background/background-options.js';
import type { LlmOptions } from '../llm/llm-options.js';
import type { Prices } from '../prices/rates.js';
import type { RunContext } from '../runs/request-context.js';

/** Options of `CallbacksModule.forRoot()`. */
export interface CallbacksModuleOptions {
  /** The default client. Without it, the first call of `LlmService` fails and says so. */
  llm?: LlmOptions;
  /** The default agent, which `AgentService` runs. */
  agent?: AgentOptions;
  /** Global callbacks: called before discovered ones, in this order. */
  callbacks?: object[];
  /**
   * Says who is asking; called once per HTTP request, and once per message of a WebSocket or to a microservice, after
   * guards. An error in it rejects the request.
   */
  context?: (host: ExecutionContext) => RunContext | Promise<RunContext>;
  /** Signs pending runs of agents, so that only what this application has made, and once, is resumed. */
  approvals?: ApprovalOptions;
  /** Prices in US dollars per million tokens, by `'model'` or `'provider/model'`; they win over the price list. */
  prices?: Prices;
  /** How work that nobody waits for is done, and how long shutdown waits for what is under way. */
  background?: BackgroundOptions;
  /**
   * Whether every module can inject the services without importing `CallbacksModule`.
   * @default true
   */
  isGlobal?: boolean;
}
/** A value of that name, because compilers import the types in decorated signatures. */
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
/** A value of that name, because compilers import the types in decorated signatures. */
export const FeatureOptions: object = Object;

/** Something that makes options, for `useClass` and `useExisting`. */
export interface OptionsFactory<T> {
  /** Called once, when the application starts. */
  createCallbacksOptions(): T | Promise<T>;
}

/** How options are made by other providers. */
export interface AsyncOptions<T> extends Pick<ModuleMetadata, 'imports'> {
  /** The tokens of what `useFactory` is called with. None may be request-scoped. */
  inject?: NonNullable<FactoryProvider['inject']>;
  /** Makes the options; give this, `useClass` or `useExisting`. */
  useFactory?: (...dependencies: never[]) => T | Promise<T>;
  /** A class that makes the options; an instance of it is made in a module of its own. */
  useClass?: Type<OptionsFactory<T>>;
  /** The token of a provider that makes the options. */
  useExisting?: Type<OptionsFactory<T>>;
}

/** Options of `CallbacksModule.forRootAsync()`. */
export interface CallbacksModuleAsyncOptions extends AsyncOptions<
  Omit<CallbacksModuleOptions, 'isGlobal'>
> {
  /** @default true */
  isGlobal?: boolean;
}

/** Options of `CallbacksModule.forFeatureAsync()`: the name is known beforehand, because it is part of a token. */
export interface FeatureAsyncOptions extends AsyncOptions<Omit<FeatureOptions, 'name'>> {
  /** The client's name, which is also the name of its scope. */
  name: string;
}
