import { CallbackAbort } from '../index.js';
import { REAL_CALL_GUARDS, type RealCall, type RealCallGuards } from '../llm/stand-ins.js';
import { brand } from '../util/brand.js';

/**
 * Rejects calls to real models from now on, so that no test costs money: a call of a client of provider `'openai'` or
 * `'anthropic'`, of an observed client or by `callbacks.fetch()` fails with {@link RealLlmCallError} before anything is
 * sent, in every application of the process. Fakes, mocked clients, servers on this machine (`localhost`, 127.0.0.0/8,
 * ::1) and custom providers still work. Call it in the setup file of the tests.
 *
 * @returns a function that allows real calls again; after several calls, once all returned functions were called
 *
 * @example
 * ```ts
 * // jest.setup.ts, in `setupFilesAfterEnv`
 * forbidRealLlm();
 * ```
 */
export function forbidRealLlm(): () => void {
  const scope = globalThis as RealCallGuards;
  const guards = (scope[REAL_CALL_GUARDS] ??= new Map());
  const key = Symbol('forbidRealLlm');
  guards.set(key, refuse);
  return () => void guards.delete(key);
}

function refuse({ client, provider, host, observed = false }: RealCall): never {
  const place = host === undefined ? provider : `${provider} at ${host}`;
  const caller = observed ? 'An observed client' : `The client "${client}"`;
  const advice = observed
    ? 'Have it ask a server on this machine by its baseURL.'
    : `Replace it by overrideLlm(builder, new FakeLlm([…]), '${client}'), or have it ask a server on this machine by llm.baseURL.`;
  throw new RealLlmCallError(
    `${caller} was about to ask a real model (${place}), which forbidRealLlm() does not allow. ${advice}`,
  );
}

/**
 * A test tried to call a real model, which `forbidRealLlm()` forbids. Nothing was sent. Interceptors neither retry the
 * call nor use another client, and it fails a surrounding agent.
 */
export class RealLlmCallError extends CallbackAbort {
  static {
    brand(this, 'error:RealLlmCallError');
  }

  override readonly code = 'real_llm_call';
}
