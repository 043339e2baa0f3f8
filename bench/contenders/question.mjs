// What every contender asks, and how often.
import { AsyncLocalStorage } from 'node:async_hooks';

export const PROMPT = 'Why is the sky blue?';
export const MODELS = { openai: 'gpt-4o-mini', anthropic: 'claude-haiku-4-5' };
export const MAX_TOKENS = 4_096;

/** Adds what one answer held to what was done so far. */
export function add(work, answer) {
  for (const name of Object.keys(answer)) work[name] = (work[name] ?? 0) + answer[name];
}

/** Asks `times` times in all, `atOnce` of them at any time. */
export async function repeat(times, ask, atOnce = 1) {
  const work = {};
  let left = times;
  const one = async () => {
    while (left-- > 0) add(work, await ask());
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return work;
}

/** The same work with a request context around it, as most servers have one. Below Node 24 that alone has its price. */
export function insideContext(run) {
  const storage = new AsyncLocalStorage();
  return (times) => storage.run({ requestId: 'bench' }, run, times);
}
