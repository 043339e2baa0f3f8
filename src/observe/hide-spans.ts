import { TRACER, tracerOf } from '../llm/providers/shared/sdk-spans.js';

/** The spans of Anthropic's SDK for the requests that are observed; others have spans of their own. */
const OBSERVED_SPAN = /^anthropic\.(?:beta\.)?messages\.create$/;

interface Tracer {
  startSpan(name: string, ...rest: unknown[]): unknown;
}

/**
 * Keeps an observed client's SDK from making spans for calls whose runs have spans. The SDK starts its span before it
 * sends the request, and so before there is a run.
 *
 * @param areReplaced whether a call at this place becomes a run with a span
 */
export function hideSpans(client: object, areReplaced: () => boolean): void {
  let tracer = tracerOf(client) as Tracer | undefined;
  if (tracer === undefined) return;
  Object.defineProperty(client, TRACER, {
    get: () => (tracer !== undefined && areReplaced() ? withoutCalls(tracer) : tracer),
    set: (other: Tracer | undefined) => {
      tracer = other;
    },
    enumerable: true,
    configurable: true,
  });
}

/** A tracer without spans of calls. */
function withoutCalls(tracer: Tracer): Tracer {
  return {
    startSpan(name, ...rest) {
      // The SDK takes a span that cannot be started for none: unlike one that does not record, it has no effect below.
      if (OBSERVED_SPAN.test(name)) throw new Error('This call has a span already.');
      return tracer.startSpan(name, ...rest);
    },
  };
}
