/** The request of a run: its user, and the ids that correlate logs across systems. */
export interface RequestContext {
  /** Id of the inbound request, or a new UUID. */
  readonly requestId: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string;
  readonly userId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** The conversation of the call. */
  readonly conversationId?: string | undefined;
  /** The handler of the request or message: `Controller.method`, also for gateways and resolvers. */
  readonly route?: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Fires when the client of the inbound request disconnects. */
  readonly signal?: AbortSignal | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RequestContext: object = Object;

/** The handler that started a run. */
export interface FromCallback {
  /** The run whose event the handler received. */
  readonly runId: string;
  /** The handler, as `Class.method`. */
  readonly handler: string;
}

/** The part of a run that every event reads. */
export interface RunInfo {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly rootRunId: string;
  readonly context: RequestContext;
  /** The nearest named client, or `'default'`. */
  readonly scope: string;
  /** The named clients around the run, outermost first; handlers' scopes are matched against them. */
  readonly scopes: readonly string[];
  readonly fromCallback: FromCallback | undefined;
  /** The provider's name or label, if an LLM is involved. */
  readonly provider: string | undefined;
  /** The requested model, if an LLM is involved. */
  readonly model: string | undefined;
  /** Whether the parent run ended before this one. */
  readonly detached: boolean;
  /** The number of the run's next event, from 0. */
  nextSeq(): number;
}
