import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo, TerminalEvent } from './event.js';

/** A retrieval starts. Handled by `@OnRetrievalStart()`. */
export class RetrievalStartEvent extends RunEvent {
  static {
    brand(this, 'class:RetrievalStartEvent');
  }

  readonly type = 'retrieval.start';
  /** The query. */
  readonly query: unknown;
  /** What is searched: an index, a table … */
  readonly source: string | undefined;

  constructor(run: RunInfo, payload: { query: unknown; source?: string | undefined }) {
    super(run);
    this.query = payload.query;
    this.source = payload.source;
  }

  protected fields(): readonly string[] {
    return ['query', 'source'];
  }
}

/** A retrieval completed. Handled by `@OnRetrievalEnd()`. */
export class RetrievalEndEvent extends TerminalEvent {
  static {
    brand(this, 'class:RetrievalEndEvent');
  }

  readonly type = 'retrieval.end';
  readonly query: unknown;
  readonly source: string | undefined;
  /** The whole result; `undefined` for a stream. */
  readonly documents: unknown;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      query: unknown;
      source?: string | undefined;
      documents: unknown;
      durationMs: number;
    },
  ) {
    super(run);
    this.query = payload.query;
    this.source = payload.source;
    this.documents = payload.documents;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['query', 'source', 'documents', 'durationMs'];
  }
}

/** A retrieval failed. Handled by `@OnRetrievalError()`. */
export class RetrievalErrorEvent extends TerminalEvent {
  static {
    brand(this, 'class:RetrievalErrorEvent');
  }

  readonly type = 'retrieval.error';
  readonly query: unknown;
  readonly source: string | undefined;
  readonly error: Error;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      query: unknown;
      source?: string | undefined;
      error: Error;
      aborted: boolean;
      durationMs: number;
    },
  ) {
    super(run);
    this.query = payload.query;
    this.source = payload.source;
    this.error = payload.error;
    this.aborted = payload.aborted;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['query', 'source', 'error', 'aborted', 'durationMs'];
  }
}
