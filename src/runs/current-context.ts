import type { RequestContext } from '../events/run-info.js';
import type { Frame, VisibleRun } from './context-store.js';
import { mergeMetadata } from './request-context.js';

/** The run and the request of the current code; frozen, without unknown fields. */
export interface CurrentContext {
  /** The id of the run; absent in a request outside of runs. */
  readonly runId?: string;
  /** The id of the parent run. */
  readonly parentRunId?: string;
  /** Id of the inbound request, or a generated UUID of the run tree. */
  readonly requestId: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string;
  /** Id of the active span, if there is one. */
  readonly spanId?: string;
  readonly userId?: string;
  readonly tenantId?: string;
  readonly conversationId?: string;
  /** The handler of the inbound request or message: `Controller.method`. */
  readonly route?: string;
  /** The nearest named client, or `'default'`. */
  readonly scope: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const CurrentContext: object = Object;

const FIELDS = ['userId', 'tenantId', 'conversationId', 'route'] as const;

/** The run and request that code in this frame sees. */
export function contextAt({ context, handlerScope, run, handled }: Frame): CurrentContext {
  return snapshotOf(context, handled ?? run, handlerScope?.scopes.at(-1));
}

/** The snapshot of a run, or of code outside of any run. */
export function snapshotOf(
  context: RequestContext,
  run: VisibleRun | undefined,
  scope = 'default',
): CurrentContext {
  const { requestId, traceId, tags, metadata } = context;
  const parentRunId = run?.parentRunId;
  const known = FIELDS.filter((name) => context[name] !== undefined);
  return Object.freeze({
    ...(run !== undefined && { runId: run.runId }),
    ...(parentRunId !== undefined && { parentRunId }),
    requestId,
    traceId,
    ...(Object.fromEntries(known.map((name) => [name, context[name]])) as object),
    scope: run?.scope ?? scope,
    tags: Object.freeze([...tags]),
    metadata: Object.freeze(mergeMetadata({}, metadata)),
  });
}
