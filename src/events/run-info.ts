/** The request that a run belongs to: who asked, and the ids that tie logs of several systems together. */
export interface RequestContext {
  /** Id of the inbound request, or a new UUID. */
  readonly requestId: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string;
  readonly userId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** The conversation that the call is part of. */
  readonly conversationId?: string | undefined;
  /** What handles the request or message: `Controller.method`, also of gateways and resolvers. */
  readonly route?: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Fires when the client of the inbound request leaves. */
  readonly signal?: AbortSignal | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RequestContext: object = Object;

/** Which handler made the call that a run comes from. */
export interface FromCallback {
  /** The run whose event the handler was told. */
  readonly runId: string;
  /** The handler, as `Class.method`. */
  readonly handler: string;
}

/** What every event reads of its run. */
export interface RunInfo {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly rootRunId: string;
  readonly context: RequestContext;
  /** The nearest named client, `'default'` where there is none. */
  readonly scope: string;
  /** The named clients around the run, outermost first: what handlers' scopes are matched against. */
  readonly scopes: readonly string[];
  readonly fromCallback: FromCallback | undefined;
  /** The provider's name or label, where an LLM is involved. */
  readonly provider: string | undefined;
  /** The requested model, where an LLM is involved. */
  readonly model: string | undefined;
  /** Whether the parent run ended before this one. */
  readonly detached: boolean;
  /** The number of the run's next event, from 0. */
  nextSeq(): number;
}
