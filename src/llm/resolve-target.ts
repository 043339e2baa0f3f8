import { here, type Enter } from '../runs/context-store.js';
import type { Run } from '../runs/run.js';
import type { LlmClient } from './llm-client.js';
import { isContextFree } from './llm-provider.js';
import type { LlmTarget } from './call/request-meter.js';

/** Asks the application for the client and request of a call, in the context of its run but outside of the run. */
export async function resolveTarget(
  run: Run,
  target: LlmTarget,
  place: Enter = here,
): Promise<LlmTarget> {
  const { client, request } = target;
  const { resolver } = client;
  if (resolver === undefined) return target;
  return place(() => run.before(() => resolver.resolve(client, request, run.snapshot)));
}

/** Whether a call passes through code of the application, which may read its context. */
export function callsApplication(run: Run, { resolver, provider }: LlmClient): boolean {
  if (resolver !== undefined || !isContextFree(provider)) return true;
  return run.handlers['intercept.llm'].length > 0;
}
