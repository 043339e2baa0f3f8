import type { CallbackEvent } from '../events/event-map.js';

/** The maximum number of root runs whose decision is remembered; the oldest are forgotten. */
const MAX_ROOTS = 10_000;

/** Decides which trees of runs are logged. */
export class LogSample {
  readonly #roots = new Map<string, boolean>();

  constructor(private readonly sample: number | ((event: CallbackEvent) => boolean) = 1) {}

  /** Whether decisions depend on events, so that they are made when a tree starts. */
  get isAsked(): boolean {
    return typeof this.sample === 'function';
  }

  /** Whether the tree of an event is logged: the same for all its events. */
  has(event: CallbackEvent): boolean {
    const { sample } = this;
    if (typeof sample === 'number') return sample >= 1 || shareOf(event.rootRunId) < sample;
    const known = this.#roots.get(event.rootRunId);
    if (known !== undefined) return known;
    const isLogged = decide(sample, event);
    if (this.#roots.size >= MAX_ROOTS) this.#roots.delete(this.#roots.keys().next().value!);
    this.#roots.set(event.rootRunId, isLogged);
    return isLogged;
  }
}

/** If the function throws, the tree is logged. */
function decide(sample: (event: CallbackEvent) => boolean, event: CallbackEvent): boolean {
  try {
    const isLogged: unknown = sample(event);
    return Boolean(isLogged);
  } catch {
    return true;
  }
}

/** A number from 0 up to 1 for a run's id (FNV-1a), so that nothing needs to be remembered. */
function shareOf(runId: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < runId.length; at++)
    hash = Math.imul(hash ^ runId.charCodeAt(at), 0x01_00_01_93);
  // The last bits of FNV are the best mixed ones; one more round mixes the first.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c_1b_3c_6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
