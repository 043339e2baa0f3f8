import { BlockList, isIP } from 'node:net';
import type { LlmClient } from './llm-client.js';
import { SdkProvider } from './providers/shared/sdk-provider.js';

/** A call that would leave this machine. */
export interface RealCall {
  /** The name of the calling client; `'default'` for the client of `forRoot`. */
  readonly client: string;
  /** The client's label. */
  readonly provider: string;
  /** The host that would be called; `undefined` for the provider's own. */
  readonly host: string | undefined;
}

/** Throws what the caller of a {@link RealCall} gets. */
export type RealCallGuard = (call: RealCall) => void;

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
export function guardRealCall({ name, label, provider }: LlmClient): void {
  const guards = (globalThis as RealCallGuards)[REAL_CALL_GUARDS];
  if (guards === undefined || !(provider instanceof SdkProvider)) return;
  const { server } = provider;
  if (server === undefined || (server.host !== undefined && isLoopback(server.host))) return;
  for (const guard of guards.values())
    guard({ client: name ?? 'default', provider: label, host: server.host });
}

function isLoopback(host: string): boolean {
  if (/^(?:.+\.)?localhost\.?$/i.test(host)) return true;
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
