import { createContext, Script, type Context } from 'node:vm';

/** How long the check of one value may take, in milliseconds: it holds up the whole process. */
export const MAX_CHECK_MS = 1_000;

/** What the script finds the work by. */
const WORK = 'work';
const TIMED_OUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/**
 * Does synchronous work that may take for ever, by a pattern with nested repetitions for instance, within
 * {@link MAX_CHECK_MS}. Only `node:vm` can stop a regular expression that is at work.
 */
export class TimedCheck {
  #context: Context | undefined;
  #script: Script | undefined;

  /** @throws what {@link isTimeout} recognises, or what the work throws */
  run<T>(work: () => T): T {
    // The context is empty, and made once: it gives nothing but the deadline.
    const context = (this.#context ??= createContext({}));
    const script = (this.#script ??= new Script(`${WORK}()`));
    const outer: unknown = context[WORK];
    // A rule of a schema may check by another schema.
    context[WORK] = work;
    try {
      return script.runInContext(context, { timeout: MAX_CHECK_MS }) as T;
    } finally {
      context[WORK] = outer;
    }
  }
}

/** Whether an error says that the time of a {@link TimedCheck} was over. */
export function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === TIMED_OUT;
}
