import { BlockList, isIP } from 'node:net';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../types/llm.js';
import { Log } from '../util/log.js';
import type { LlmClient } from './client.js';
import type { LlmProvider, LlmProviderCapabilities, LlmProviderContext } from './llm-provider.js';
import { SdkProvider } from './providers/shared/sdk-provider.js';

/** The injection token of an application's {@link StandIns}. */
export const STAND_INS: unique symbol = Symbol.for('nestjs-llm-callbacks:stand-ins');

const DEFAULT = 'default';

/** The providers that replace the configured ones in a test of one application. */
export class StandIns {
  /** By the client's name; `undefined` for every client without its own. */
  readonly #providers = new Map<string | undefined, LlmProvider>();
  /** The application's clients, and whether each calls an SDK. */
  readonly #clients = new Map<string, boolean>();

  /** Lets `provider` answer for the client `name`, or for every client. */
  set(provider: LlmProvider, name?: string): void {
    this.#providers.set(name, provider);
  }

  /** The stand-in of a client; `undefined` if its own provider answers. */
  providerFor(name: string = DEFAULT): LlmProvider | undefined {
    return this.#providers.get(name) ?? this.#providers.get(undefined);
  }

  /** Records a client of the application. */
  made(name: string = DEFAULT, isSdkClient: boolean): void {
    this.#clients.set(name, isSdkClient);
  }

  /**
   * Rejects the name of a client that does not exist. If no client calls an SDK any more, a lazily loaded module may
   * still add it, so this only logs a warning.
   *
   * @throws CallbacksConfigurationError
   */
  check(): void {
    const unknown = [...this.#providers.keys()].filter(
      (name) => name !== undefined && !this.#clients.has(name),
    );
    if (unknown.length === 0) return;
    const known = [...this.#clients.keys()].join(', ') || 'none';
    const message = `overrideLlm: there is no client "${unknown.join('", "')}" that has a model. Known are: ${known}; others come from CallbacksModule.forFeature({ name, llm }).`;
    if ([...this.#clients.values()].some((isSdkClient) => isSdkClient))
      throw new CallbacksConfigurationError(message);
    new Log('Callbacks').warn(`${message} A module that is loaded later may bring it.`);
  }
}

/** A provider that answers under the name of the configured one, by which interceptors compare clients. */
export class StandIn implements LlmProvider {
  /** Absent if the provider has none. */
  readonly embed?: Required<LlmProvider>['embed'];

  constructor(
    readonly name: string,
    private readonly provider: LlmProvider,
  ) {
    if (typeof provider.embed === 'function')
      this.embed = (request, context) => provider.embed!(request, context);
  }

  get capabilities(): LlmProviderCapabilities | undefined {
    return this.provider.capabilities;
  }

  prepare(): void | Promise<void> {
    return this.provider.prepare?.();
  }

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    return this.provider.generate(request, context);
  }

  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    return this.provider.stream(request, context);
  }
}

/** A call that would leave this machine. */
export interface RealCall {
  /** The name of the calling client; `'default'` for the client of `forRoot`. */
  readonly client: string;
  /** The client's label. */
  readonly provider: string;
  /** The host that would be called; `undefined` for the provider's own. */
  readonly host: string | undefined;
  /** Whether code other than this package calls; absent in older copies of this package. */
  readonly observed?: boolean;
}

/** Throws what the caller of a {@link RealCall} gets. */
type RealCallGuard = (call: RealCall) => void;

/**
 * Where tests register guards, in the global object: a setup file has no application, and calls must be rejected in
 * every application, whatever copy of this package it uses.
 */
export const REAL_CALL_GUARDS: unique symbol = Symbol.for('nestjs-llm-callbacks:real-call-guards');

/** The guards in the global object. */
export interface RealCallGuards {
  /** By a key for each guard. */
  [REAL_CALL_GUARDS]?: Map<symbol, RealCallGuard>;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('0.0.0.0', 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addAddress('::', 'ipv6');

/** Whether a client calls a server through its SDK. */
export function asksSdk({ provider }: LlmClient): boolean {
  return provider instanceof SdkProvider;
}

/** Calls the guards of tests if a client's call would leave this machine. */
export function guardRealCall({ name, label, provider, server: observed }: LlmClient): void {
  const guards = (globalThis as RealCallGuards)[REAL_CALL_GUARDS];
  if (guards === undefined) return;
  const server = observed ?? (provider instanceof SdkProvider ? provider.sdkServer : undefined);
  if (server === undefined || (server.host !== undefined && isLoopback(server.host))) return;
  const { host } = server;
  for (const guard of guards.values())
    guard({
      client: name ?? 'default',
      provider: label,
      host,
      observed: observed !== undefined,
    });
}

function isLoopback(host: string): boolean {
  if (/^(?:.+\.)?localhost\.?$/i.test(host)) return true;
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
