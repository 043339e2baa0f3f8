import type { ExecutionContext, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AgentOptions } from '../agent/agent-options.js';
import type { ApprovalOptions } from '../approvals/approval-options.js';
import type { BackgroundOptions } from '../dispatch/background/background-options.js';
import type { LlmOptions } from '../llm/llm-options.js';
import type { Prices } from '../prices/rates.js';
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
