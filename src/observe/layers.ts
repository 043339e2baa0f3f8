import type { RunFactory } from '../runs/run-factory.js';
import type { ObservedCall } from './observed-call.js';

/** Symbols survive the copies that SDKs make of options. */
const LAYER: unique symbol = Symbol('observed call');

/** What a layer passes on with its request: one call is one run, however many layers observe it. */
interface Mark {
  /** Identifies the application. */
  readonly runs: RunFactory;
  /** The call, on its way from the gate to the `fetch` of the same layer. */
  readonly call?: ObservedCall;
}

/** Options of a request, of any kind. */
export interface Marked {
  readonly [LAYER]?: Mark;
  readonly headers?: unknown;
}

/** What marks the options of a request as part of a call of the application. */
export function markOf(runs: RunFactory, call?: ObservedCall): Pick<Marked, typeof LAYER> {
  return { [LAYER]: call === undefined ? { runs } : { runs, call } };
}

/** Whether a request is part of a call that is a run of the application already. */
export function isPartOfRun(options: Marked | undefined, runs: RunFactory): boolean {
  return ownMark(options, runs) !== undefined || runs.isInModelCall;
}

/** The call whose gate marked the options; undefined below its `fetch`. */
export function callOf(options: Marked | undefined, runs: RunFactory): ObservedCall | undefined {
  return ownMark(options, runs)?.call;
}

function ownMark(options: Marked | undefined, runs: RunFactory): Mark | undefined {
  const mark = options?.[LAYER];
  return mark?.runs === runs ? mark : undefined;
}
