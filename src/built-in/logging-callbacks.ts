import { brand } from '../util/brand.js';
import { OnAnyEvent } from '../handlers/decorators.js';
import { CallbackAbort, describeError } from '../errors/callbacks-error.js';
import { ToolExecutionError } from '../errors/callback-errors.js';
import { type CallbackEvent, type EventPhase, EVENTS } from '../events/event-map.js';
import { Log } from '../util/log.js';

export interface LoggingOptions {
  /** One readable line per run; the default. */
  pretty?: boolean;
  /** One JSON object per run, for log collectors. */
  json?: boolean;
  /**
   * The level of successful runs. Failed runs are errors; aborted runs, runs that a limit or a handler rejected, and
   * tool calls that a person denied are warnings.
   * @default 'log'
   */
  level?: 'log' | 'debug' | 'verbose';
}

/** Of the last event of a run. */
const ENDS: ReadonlySet<EventPhase> = new Set(['end', 'error']);

type Fields = Record<string, string | number | boolean | null | undefined>;

/**
 * Writes one line per run, and per custom event, to Nest's `Logger`: its name, what ran, tokens, cost and duration, how
 * many documents were found or texts embedded, whether a tool call waits for approval, was approved or denied, and by
 * whom; never prompts, answers, arguments, inputs, results, reasons, the documents and texts themselves or the data of
 * custom events.
 */
export class LoggingCallbacks {
  static {
    brand(this, 'class:LoggingCallbacks');
  }

  readonly #logger = new Log('LLM');

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(private readonly options: LoggingOptions = {}) {}

  @OnAnyEvent({ when: ({ type }) => type === 'custom' || ENDS.has(EVENTS[type].phase) })
  protected write(event: CallbackEvent): void {
    const fields = {
      type: event.type,
      ...factsOf(event),
      runId: event.runId,
      userId: event.userId,
    };
    const line = this.options.json ? JSON.stringify(fields, scalarOf) : pretty(event, fields);
    this.#logger[levelOf(event) ?? this.options.level ?? 'log'](line);
  }
}

/** The level of a run that did not succeed. */
function levelOf(event: CallbackEvent): 'warn' | 'error' | undefined {
  if (!('error' in event)) return undefined;
  const isAborted = 'aborted' in event && event.aborted;
  return isAborted || isDenied(event) || event.error instanceof CallbackAbort ? 'warn' : 'error';
}

/** Whether a person denied a tool call, which is not a failure of the tool. */
function isDenied(event: CallbackEvent): boolean {
  if (event.type !== 'tool.error' || event.aborted) return false;
  return event.approval?.status === 'denied' && event.error instanceof ToolExecutionError;
}

/** The approval of tool calls that need one, and of agents that stop because of them. */
function approvalOf(event: CallbackEvent): Fields {
  if (event.type === 'agent.end' && event.result.pending) return { approval: 'pending' };
  const approval = 'approval' in event ? event.approval : undefined;
  return approval ? { approval: approval.status, approver: approval.approver } : {};
}

/** The facts of a terminal event, as numbers and names. */
function factsOf(event: CallbackEvent): Fields {
  const name = nameOf(event);
  const failure =
    'error' in event && event.error instanceof Error && !isDenied(event)
      ? describeError(event.error)
      : undefined;
  return {
    ...(name !== undefined && { name }),
    ...approvalOf(event),
    ...('usage' in event && {
      inputTokens: event.usage.inputTokens,
      outputTokens: event.usage.outputTokens,
    }),
    ...('cost' in event && { cost: event.cost }),
    ...('durationMs' in event && { durationMs: Math.round(event.durationMs) }),
    ...('timeToFirstChunkMs' in event && { timeToFirstChunkMs: round(event.timeToFirstChunkMs) }),
    ...finishOf(event),
    ...('documents' in event &&
      Array.isArray(event.documents) && { documents: event.documents.length }),
    ...('count' in event && { texts: event.count }),
    ...('attempts' in event && { attempts: event.attempts.length }),
    ...('steps' in event && { steps: event.steps.length }),
    ...(failure && { error: failure.name, code: failure.code }),
  };
}

function nameOf(event: CallbackEvent): string | undefined {
  if (event.type === 'custom') return event.name;
  if ('toolName' in event) return event.toolName;
  if ('chainName' in event) return event.chainName;
  if ('source' in event) return event.source;
  if ('agentName' in event && event.agentName !== undefined) return event.agentName;
  return event.provider === undefined ? event.scope : `${event.provider}/${event.model}`;
}

function approvalText({ approval, approver }: Fields): string | undefined {
  if (approval === undefined) return undefined;
  if (approval === 'pending') return 'waits for approval';
  return approver === undefined ? String(approval) : `${approval} by ${approver}`;
}

/** Of calls, and of agents whose consumer left: all others end by answering. */
function finishOf(event: CallbackEvent): Fields {
  if ('finishReason' in event) return { finishReason: event.finishReason };
  const isCancelled = event.type === 'agent.end' && event.result.finishReason === 'cancelled';
  return isCancelled ? { finishReason: 'cancelled' } : {};
}

function counted(count: Fields[string], what: string): string | undefined {
  return count === undefined ? undefined : `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}

/** Names and ids are the application's; a value of another type than declared must not cost the line. */
function scalarOf(key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return key !== '' && typeof value === 'object' && value !== null ? '[object]' : value;
}

function pretty({ type }: CallbackEvent, fields: Fields): string {
  const { kind } = EVENTS[type];
  const {
    name,
    inputTokens,
    outputTokens,
    cost,
    durationMs,
    timeToFirstChunkMs,
    finishReason,
    documents,
    texts,
    steps,
    error,
    code,
  } = fields;
  const parts = [
    name === undefined ? kind : `${kind} ${name}`,
    approvalText(fields),
    error === undefined ? finishReason : `${error}${code ? ` (${code})` : ''}`,
    counted(documents, 'document'),
    counted(texts, 'text'),
    counted(steps, 'step'),
    inputTokens === undefined ? undefined : `${inputTokens} in, ${outputTokens} out`,
    cost === undefined
      ? undefined
      : cost === null
        ? 'price unknown'
        : `$${Number(cost).toFixed(6)}`,
    durationMs === undefined ? undefined : `${durationMs} ms`,
    timeToFirstChunkMs === undefined ? undefined : `first chunk ${timeToFirstChunkMs} ms`,
    fields['attempts'] !== undefined && Number(fields['attempts']) > 1
      ? `${fields['attempts']} attempts`
      : undefined,
    fields['userId'] === undefined ? undefined : `user ${fields['userId']}`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
