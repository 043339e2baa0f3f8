import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AgentService, getAgentToken } from '../agent/agent.service.js';
import { Application, twoClients } from './application.js';
import {
  asyncOptions,
  CALLBACKS_OPTIONS,
  type CallbacksModuleAsyncOptions,
  type CallbacksModuleOptions,
  type FeatureAsyncOptions,
  type FeatureOptions,
  getFeatureOptionsToken,
  ROOT_CLIENT,
} from './module-options.js';
import { brand } from '../util/brand.js';
import { CallbacksCoreModule } from './callbacks-core.module.js';
import { checkAsyncOptions } from './check-options.js';
import { CallbacksService } from './callbacks.service.js';
import { aliasesOf, otherTokens } from '../util/copies.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { getLlmToken, LlmService } from '../llm/llm.service.js';
import type { LlmClient } from '../llm/client.js';
import { PriceBook } from '../prices/price-book.js';
import { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import { OpenRuns } from '../runs/active-run.js';
import { RunFactory } from '../runs/run-factory.js';
import { ToolRegistry } from '../tools/tool-registry.js';

/**
 * Lets decorated methods of an application handle the events of its LLM calls.
 *
 * @example
 * ```ts
 * // of the root module:
 * imports: [CallbacksModule.forRoot({ llm: { provider: 'openai', model: 'gpt-5-mini' } })],
 * providers: [CostTracker],
 * ```
 */
@Module({})
export class CallbacksModule {
  static {
    brand(this, 'class:CallbacksModule');
  }

  /** Configures the default client, global callbacks and settings; once per application, in its root module. */
  static forRoot(options: CallbacksModuleOptions = {}): DynamicModule {
    const { isGlobal } = Object(options) as CallbacksModuleOptions;
    return rootModule({ provide: CALLBACKS_OPTIONS, useValue: options }, { isGlobal });
  }

  /** {@link CallbacksModule.forRoot} with options that other providers create. */
  static forRootAsync(options: CallbacksModuleAsyncOptions): DynamicModule {
    checkAsyncOptions(options, 'forRootAsync');
    const { imports, provider } = asyncOptions(CALLBACKS_OPTIONS, options, 'forRootAsync');
    return rootModule(provider, { ...options, imports });
  }

  /** Configures named clients, each with a scope of the same name; inject them with `@InjectLlm('name')`. */
  static forFeature(features: FeatureOptions | FeatureOptions[]): DynamicModule {
    // Invalid options are rejected when the application starts, like all other options.
    const list = (Array.isArray(features) ? features : [features]).map((feature) => ({
      name: (Object(feature) as FeatureOptions).name,
      feature,
    }));
    return featureModule(
      list.map(({ name }) => name),
      list.map(({ name, feature }) => ({
        provide: getFeatureOptionsToken(name),
        useValue: feature,
      })),
    );
  }

  /** {@link CallbacksModule.forFeature} with options that other providers create. */
  static forFeatureAsync(features: FeatureAsyncOptions | FeatureAsyncOptions[]): DynamicModule {
    const list = (Array.isArray(features) ? features : [features]).map((options) => {
      checkAsyncOptions(options, 'forFeatureAsync');
      const { name, ...ways } = options;
      return { name, ...asyncOptions(getFeatureOptionsToken(name), ways, 'forFeatureAsync') };
    });
    return featureModule(
      list.map(({ name }) => name),
      list.map(({ provider }) => provider),
      list.flatMap(({ imports }) => imports),
    );
  }
}

function rootModule(
  options: Provider,
  {
    isGlobal = true,
    imports = [],
  }: { isGlobal?: boolean | undefined; imports?: DynamicModule['imports'] },
): DynamicModule {
  const client: Provider = {
    provide: ROOT_CLIENT,
    useFactory: (application: Application, given: CallbacksModuleOptions) =>
      application.configure(given),
    inject: [Application, CALLBACKS_OPTIONS],
  };
  const services = [CallbacksService, LlmService, AgentService];
  return {
    module: CallbacksModule,
    global: isGlobal,
    imports: [CallbacksCoreModule, ...imports],
    // Read when Nest scans the module: libraries with a copy of this package may be loaded until then.
    get providers() {
      return [
        options,
        client,
        CallbacksService,
        llmProvider(undefined, ROOT_CLIENT),
        agentProvider(undefined, ROOT_CLIENT, CALLBACKS_OPTIONS),
        ...services.flatMap(aliasesOf),
      ];
    },
    get exports() {
      return [CALLBACKS_OPTIONS, ...services, ...services.flatMap(otherTokens)];
    },
  };
}

function featureModule(
  names: string[],
  options: Provider[],
  imports: NonNullable<DynamicModule['imports']> = [],
): DynamicModule {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return {
    module: CallbacksModule,
    imports: [CallbacksCoreModule, ...imports],
    providers: [
      ...options,
      ...names.flatMap(featureProviders),
      ...(twice === undefined ? [] : [refusal(twice)]),
    ],
    exports: names.flatMap((name) => [
      getFeatureOptionsToken(name),
      getLlmToken(name),
      getAgentToken(name),
    ]),
  };
}

/** Fails the start of the application: Nest itself silently uses the last of several providers with one token. */
function refusal(name: string): Provider {
  return {
    provide: Symbol(`two features are named ${name}`),
    useFactory: () => {
      throw twoClients(name);
    },
  };
}

function featureProviders(name: string): Provider[] {
  const client = Symbol.for(`nestjs-llm-callbacks:client:${name}`);
  return [
    {
      provide: client,
      useFactory: (application: Application, given: FeatureOptions) =>
        application.addFeature(name, given),
      inject: [Application, getFeatureOptionsToken(name)],
    },
    llmProvider(name, client),
    agentProvider(name, client, getFeatureOptionsToken(name)),
  ];
}

function llmProvider(name: string | undefined, clientToken: symbol): Provider {
  return {
    provide: getLlmToken(name),
    useFactory: (
      client: LlmClient | undefined,
      runs: RunFactory,
      registry: HandlerRegistry,
      dispatcher: Dispatcher,
      prices: PriceBook,
      openRuns: OpenRuns,
      clients: Application,
    ) => new LlmService({ client, runs, registry, dispatcher, prices, openRuns, clients }),
    inject: [
      clientToken,
      RunFactory,
      HandlerRegistry,
      Dispatcher,
      PriceBook,
      OpenRuns,
      Application,
    ],
  };
}

function agentProvider(
  name: string | undefined,
  clientToken: symbol,
  optionsToken: symbol,
): Provider {
  return {
    provide: getAgentToken(name),
    useFactory: (
      llm: LlmService,
      client: LlmClient | undefined,
      given: Pick<CallbacksModuleOptions, 'agent'> | undefined,
      application: Application,
      source: HandlerSource,
      tools: ToolRegistry,
      runs: RunFactory,
      registry: HandlerRegistry,
      dispatcher: Dispatcher,
      openRuns: OpenRuns,
    ) =>
      new AgentService(
        {
          llm,
          client: client ?? { name, callbacks: [] },
          source,
          tools,
          runs,
          registry,
          runtime: { dispatcher, openRuns },
          approvals: application.approvals,
          announce: (agent) => application.addAgent(agent),
        },
        { name: name ?? 'default', ...given?.agent },
      ),
    inject: [
      getLlmToken(name),
      clientToken,
      optionsToken,
      Application,
      HandlerSource,
      ToolRegistry,
      RunFactory,
      HandlerRegistry,
      Dispatcher,
      OpenRuns,
    ],
  };
}
