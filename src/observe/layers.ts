import type { RunFactory } from '../runs/run-factory.js';

/** A call on its way from the gate to where its answers are observed. */
export interface LayeredCall {
  /**
   * Sends one attempt; returns the answer for the client.
   *
   * @param isTriedAgain whether the client sends the request again after this error, if retries are left
   */
  send(
    attempt: (stop: AbortController) => Promise<Response>,
    isTriedAgain?: (thrown: unknown) => boolean,
  ): Promise<Response>;
}

/** Symbols survive the copies that SDKs make of options. */
const LAYER: unique symbol = Symbol('observed call');

/** What a layer passes on with its request: one call is one run, however many layers observe it. */
interface Mark {
  /** Identifies the application. */
  readonly runs: RunFactory;
  /** The call, on its way from the gate to the `fetch` of the same layer. */
  readonly call?: LayeredCall | undefined;
}

/** Options of a request, of any kind. */
export interface Marked {
  readonly [LAYER]?: Mark;
  readonly headers?: unknown;
}

/** What marks the options of a request as part of a call of the application. */
export function markOf(runs: RunFactory, call?: LayeredCall): Pick<Marked, typeof LAYER> {
  return { [LAYER]: call === undefined ? { runs } : { runs, call } };
}

/** Whether a layer above, or an earlier attempt, has marked the options. */
export function isMarked(options: Marked | undefined, runs: RunFactory): boolean {
  return ownMark(options, runs) !== undefined;
}

/** The call whose gate marked the options; undefined below its `fetch`. */
export function callOf(options: Marked | undefined, runs: RunFactory): LayeredCall | undefined {
  return ownMark(options, runs)?.call;
}

function ownMark(options: Marked | undefined, runs: RunFactory): Mark | undefined {
  const mark = options?.[LAYER];
  return mark?.runs === runs ? mark : undefined;
}
