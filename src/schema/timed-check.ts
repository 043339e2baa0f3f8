import { createContext, Script, type Context } from 'node:vm';

/** The most time for the check of one value, in milliseconds; it blocks the whole process. */
export const MAX_CHECK_MS = 1_000;

/** The global under which the script finds the work. */
const WORK = 'work';
const TIMED_OUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/**
 * Runs synchronous work that may never end, for instance a pattern with nested repetitions, within
 * {@link MAX_CHECK_MS}. Only `node:vm` can stop a running regular expression.
 */
export class TimedCheck {
  #context: Context | undefined;
  #script: Script | undefined;

  /** @throws an error that {@link isTimeout} recognizes, or what the work throws */
  run<T>(work: () => T): T {
    // The context is empty, and created once: it provides only the deadline.
    const context = (this.#context ??= createContext({}));
    const script = (this.#script ??= new Script(`${WORK}()`));
    const outer: unknown = context[WORK];
    // A rule of a schema may check with another schema.
    context[WORK] = work;
    try {
      return script.runInContext(context, { timeout: MAX_CHECK_MS }) as T;
    } finally {
      context[WORK] = outer;
    }
  }
}

/** Whether an error means that a {@link TimedCheck} timed out. */
export function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === TIMED_OUT;
}
