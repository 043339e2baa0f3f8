import { ChainEndEvent, ChainErrorEvent, ChainStartEvent } from '../events/chain.events.js';
import type { WorkEvents } from './traced-run.js';

/** The events of a chain. */
export function chainEvents(chainName: string, input: unknown): WorkEvents<unknown> {
  return {
    start: (run) => new ChainStartEvent(run, { chainName, input }),
    end: (run, result, durationMs) => new ChainEndEvent(run, { chainName, result, durationMs }),
    error: (run, failure) => new ChainErrorEvent(run, { chainName, ...failure }),
  };
}
