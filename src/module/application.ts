import { setTimeout as delay } from 'node:timers/promises';
import { type ExecutionContext, Inject, Injectable, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Agent } from '../agent/agent.js';
import { Approvals } from '../approvals/approvals.js';
import {
  Background,
  BACKGROUND_DEFAULTS,
  type BackgroundSettings,
  toBackgroundSettings,
} from '../dispatch/background/background.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import { Limiter } from '../limits/limiters.js';
import type { LlmClient, LlmClients } from '../llm/client.js';
import { createClient, mergeLlmOptions } from '../llm/create-client.js';
import type { LlmOptions } from '../llm/llm-options.js';
import { asksSdk, STAND_INS, StandIns } from '../llm/stand-ins.js';
import { PriceBook } from '../prices/price-book.js';
import { ContextResolver } from '../request-context/request-context.interceptor.js';
import type { RunContext } from '../runs/request-context.js';
import { ContextStore } from '../runs/run-context.js';
import { defer, type Deferred } from '../util/promises.js';
import { checkFeatureOptions, checkRootOptions, refuseScopedOptions } from './check-options.js';
import {
  CALLBACKS_OPTIONS,
  type CallbacksModuleOptions,
  type FeatureOptions,
  getFeatureOptionsToken,
  ROOT_CLIENT,
} from './module-options.js';
import { toRedactor } from './redaction.js';

/** How often to check whether the options of `forRoot`, which a feature waits for, can be created at all. */
const LOOK_MS = 20;

/** The configuration of one application: its options, and the clients created from them. */
@Injectable()
export class Application extends ContextResolver implements LlmClients {
  /** Decides which pending runs may be resumed. */
  readonly approvals = new Approvals();
  readonly #clients = new Map<string | undefined, LlmClient | undefined>();
  readonly #scopes = new Map<string, ClientScope>([
    ['default', { name: undefined, callbacks: [] }],
  ]);
  /** Agents created before the application is ready; their tools are looked up then. */
  readonly agents: Agent[] = [];
  readonly #root: Deferred<CallbacksModuleOptions> = defer();
  #options: CallbacksModuleOptions | undefined;
  #settings: BackgroundSettings = BACKGROUND_DEFAULTS;
  /** Objects from `callbacks` lists: Nest does not call their lifecycle hooks. */
  readonly #listed: unknown[] = [];
  #isReady = false;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly registry: HandlerRegistry,
    private readonly prices: PriceBook,
    private readonly background: Background,
    private readonly store: ContextStore,
    @Inject(STAND_INS) private readonly standIns: StandIns,
  ) {
    super();
  }

  /** The settings of the background. */
  get settings(): BackgroundSettings {
    return this.#settings;
  }

  /** Stores the options of `forRoot`; returns the default client. */
  configure(options: CallbacksModuleOptions): LlmClient | undefined {
    checkRootOptions(options);
    checkOnlyRoot(this.modules, Application);
    this.#settings = toBackgroundSettings(options.background);
    this.background.configure(this.#settings);
    this.approvals.configure(options.approvals);
    this.#options = options;
    this.store.redactor = toRedactor(options.redact);
    this.prices.override(options.prices ?? {});
    this.registry.setListed(options.callbacks ?? []);
    this.#listed.push(...(options.callbacks ?? []));
    const client = this.#newClient(options.llm, undefined, []);
    this.#root.resolve(options);
    return client;
  }

  /** Stores the options of a `forFeature`; returns its client. */
  async addFeature(name: string, options: Partial<FeatureOptions>): Promise<LlmClient | undefined> {
    checkFeatureOptions(options, name);
    const { llm, callbacks = [] } = options;
    if (typeof name !== 'string' || name === '' || name === 'default') {
      throw new CallbacksConfigurationError(
        `CallbacksModule.forFeature: "${name}" cannot be the name of a client; "default" is that of forRoot.`,
      );
    }
    refuseScopedOptions(this.modules, getFeatureOptionsToken(name));
    if (this.#clients.has(name)) throw twoClients(name);
    this.#clients.set(name, undefined);
    checkRootOf(name, this.modules, Application);
    const root = await this.#rootOptions();
    this.registry.addScope(name);
    this.#scopes.set(name, { name, callbacks });
    this.registry.checkObjects(callbacks, 'instance');
    this.#listed.push(...callbacks);
    return this.#newClient(mergeLlmOptions(root.llm, llm), name, callbacks);
  }

  /** All clients that have a model. */
  get clients(): LlmClient[] {
    return [...this.#clients.values()].filter((client) => client !== undefined);
  }

  named(name: string): LlmClient {
    const client = this.#clients.get(name === 'default' ? undefined : name);
    if (client !== undefined) return client;
    const known = [...this.#clients.keys()].map((key) => key ?? 'default').join(', ');
    throw new CallbacksConfigurationError(
      `There is no client "${name}" that has a model. Known are: ${known}; others come from CallbacksModule.forFeature({ name, llm }).`,
    );
  }

  /** The scope of a client, with a model or without. */
  scopeOf(name: string): ClientScope {
    const scope = this.#scopes.get(name);
    if (scope !== undefined) return scope;
    const known = [...this.#scopes.keys()].join(', ');
    throw new CallbacksConfigurationError(
      `There is no client "${name}". Known are: ${known}; others come from CallbacksModule.forFeature({ name }).`,
    );
  }

  /** Adds an agent whose tools are checked at start-up. */
  addAgent(agent: Agent): void {
    if (!this.#isReady) this.agents.push(agent);
  }

  /** Rejects request-scoped options, once all providers are known. */
  checkOptions(): void {
    refuseScopedOptions(this.modules);
  }

  /** Lets every provider and agent report what is missing. */
  async prepare(): Promise<void> {
    for (const client of this.#clients.values()) await client?.provider.prepare?.();
    for (const agent of this.agents) agent.prepare();
    this.#isReady = true;
  }

  /** Lets limiters from `callbacks` lists send pending settlements and close their stores. */
  async close(): Promise<void> {
    const limiters = this.#listed.filter((one) => one instanceof Limiter);
    await Promise.all(limiters.map((limiter) => limiter.onApplicationShutdown()));
  }

  resolve(host: ExecutionContext): RunContext | Promise<RunContext> | undefined {
    return this.#options?.context?.(host);
  }

  #newClient(
    options: Partial<LlmOptions> | undefined,
    name: string | undefined,
    callbacks: readonly object[],
  ): LlmClient | undefined {
    const standIn = this.standIns.providerFor(name);
    const client = createClient(options, { name, callbacks, standIn });
    this.#clients.set(name, client);
    if (client !== undefined) this.standIns.made(name, asksSdk(client));
    return client;
  }

  /** Nest never creates request-scoped options while it builds the application: waiting for them would never end. */
  async #rootOptions(): Promise<CallbacksModuleOptions> {
    for (;;) {
      const options = await Promise.race([this.#root.promise, delay(LOOK_MS)]);
      if (options !== undefined) return options;
      refuseScopedOptions(this.modules, CALLBACKS_OPTIONS);
    }
  }
}

/** The error for two features with the same name. */
export function twoClients(name: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(
    `CallbacksModule.forFeature: two clients are named "${name}". Give each its own name; to use one in several modules, keep the forFeature() in a variable.`,
  );
}

type HostModule = ModulesContainer extends Map<string, infer M> ? M : never;

/** The advice for two copies of the package in one application. */
const COPIES =
  'See `npm ls nestjs-llm-callbacks`: the application needs exactly one copy, and its libraries the package as a peer dependency.';

/**
 * Rejects a second `forRoot()` in one application, also one of another copy of the package.
 *
 * @param core the core module of this copy's `forRoot()`
 */
function checkOnlyRoot(modules: ModulesContainer, core: Type): void {
  const roots = rootsIn(modules);
  if (roots.length <= 1) return;
  const twice =
    'CallbacksModule.forRoot() is imported twice in one application: import it once, in the root module.';
  throw new CallbacksConfigurationError(
    roots.every((root) => isOf(core, root)) ? twice : `${twice} ${COPIES}`,
  );
}

/** Rejects a feature without the `forRoot()` of the same copy: it would wait for it forever. */
function checkRootOf(feature: string, modules: ModulesContainer, core: Type): void {
  const [root] = rootsIn(modules);
  if (root === undefined) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.forFeature("${feature}") needs CallbacksModule.forRoot() in the root module's imports.`,
    );
  }
  if (!isOf(core, root)) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.forFeature("${feature}") and CallbacksModule.forRoot() come from two copies of nestjs-llm-callbacks. ${COPIES}`,
    );
  }
}

function rootsIn(modules: ModulesContainer): HostModule[] {
  return [...modules.values()].filter(({ providers }) => providers.has(ROOT_CLIENT));
}

/**
 * Compares injected dependencies, because every module imports global modules, including another copy's core module.
 */
function isOf(core: Type, { providers }: HostModule): boolean {
  return providers.get(ROOT_CLIENT)?.inject?.includes(core) ?? false;
}
