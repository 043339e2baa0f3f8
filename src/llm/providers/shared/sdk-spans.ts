import { types } from 'node:util';

/**
 * Where clients of Anthropic's SDK keep the tracer of their own spans. They have an option for it, but a ready client
 * must stay the application's own object, so that no copy with another option can be called instead.
 */
export const TRACER = '_tracer';

interface Traced {
  [TRACER]?: unknown;
}

/** Whether the SDK of a client makes a span for a call; before the client is created, its environment decides. */
export function makesSpans(sdk: string, client: unknown): boolean {
  if (sdk !== 'anthropic') return false;
  if (client !== undefined) return tracerOf(client) !== undefined;
  return process.env['ANTHROPIC_OPEN_TELEMETRY']?.trim().toLowerCase() !== 'false';
}

/** The tracer of a client's own spans. */
export function tracerOf(client: unknown): unknown {
  return types.isProxy(client) ? undefined : (Object(client) as Traced)[TRACER];
}

/**
 * Calls a method of a client whose SDK makes a span at once, before it returns, so that it makes none. What is below,
 * such as spans of HTTP requests, is not affected.
 */
export function withoutSdkSpan<R>(client: unknown, call: () => R): R {
  const tracer = tracerOf(client);
  if (tracer === undefined || Object.isFrozen(client)) return call();
  const traced = client as Traced;
  traced[TRACER] = undefined;
  try {
    return call();
  } finally {
    traced[TRACER] = tracer;
  }
}
