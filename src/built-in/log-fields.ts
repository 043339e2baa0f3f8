import { CallbackAbort, describeError } from '../errors/callbacks-error.js';
import { ToolExecutionError } from '../errors/callback-errors.js';
import { type CallbackEvent, EVENTS } from '../events/event-map.js';
import type { Usage } from '../types/usage.js';

type Json = Readonly<Record<string, unknown>>;
type Scalar = string | number | boolean | null | undefined;

/** What is written about an event; `undefined` fields are omitted. */
export interface LogFields {
  readonly event: string;
  /** What ran. */
  readonly name: string | undefined;
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string | undefined;
  readonly userId: Scalar;
  readonly tenantId: Scalar;
  readonly approval?: string;
  readonly approver?: Scalar;
  readonly finishReason?: Scalar;
  readonly cached?: boolean;
  readonly documents?: number;
  readonly texts?: number;
  readonly steps?: number;
  /** The number of an agent's turn. */
  readonly step?: number;
  readonly toolCalls?: number;
  readonly durationMs?: number;
  readonly timeToFirstChunkMs?: number;
  readonly usage?: Partial<Usage>;
  /** `null` if the price is unknown. */
  readonly cost?: number | null;
  readonly attempts?: number;
  readonly error?: Readonly<Record<string, Scalar>>;
  /** The redactor failed, or returned no object. */
  readonly redacted?: string;
  readonly content?: Readonly<Record<string, string>>;
}

/** The fields with names and ids of the application and of models. They are redacted like content. */
const NAMES = [
  'name',
  'toolName',
  'chainName',
  'source',
  'agentName',
  'provider',
  'model',
  'userId',
  'tenantId',
  'finishReason',
] as const;

/** The fields with content that a run starts with, in the order in which they are written. */
const INPUT = ['messages', 'goal', 'query', 'input', 'args'] as const;
/** The others. */
const OUTPUT = ['text', 'toolCalls', 'output', 'result', 'documents', 'data'] as const;
/** The fields of an agent's turn and result with content. */
const PARTS = ['text', 'output', 'toolCalls', 'toolResults'] as const;

/** The maximum length of each content, in UTF-16 code units. */
const MAX_CONTENT = 2_000;

/** The fields of an event, redacted. */
export function fieldsOf(event: CallbackEvent, withContent: boolean): LogFields {
  const all = withContent
    ? event.redacted('log')
    : event.redacted('log', { ...namesOf(event), ...approvalOf(event), ...failureOf(event) });
  const json: Json = isObject(all) ? all : { content: all };
  const { type, runId, parentRunId, requestId, traceId, spanId } = event;
  const content = withContent ? contentOf(event, json) : {};
  return {
    event: type,
    name: nameOf(event, json),
    runId,
    parentRunId,
    requestId,
    traceId,
    spanId,
    userId: scalarOf(json['userId']),
    tenantId: scalarOf(json['tenantId']),
    ...factsOf(event, json),
    ...measuresOf(event),
    ...errorOf(event, json),
    ...('content' in json && { redacted: textOf(json['content']) }),
    ...(Object.keys(content).length > 0 && { content }),
  };
}

/** The level of an event that is no success. */
export function levelOf(event: CallbackEvent): 'warn' | 'error' | undefined {
  if (EVENTS[event.type].phase !== 'error' || !('error' in event)) return undefined;
  const isAborted = 'aborted' in event && event.aborted;
  return isAborted || isDenied(event) || event.error instanceof CallbackAbort ? 'warn' : 'error';
}

function namesOf(event: CallbackEvent): Json {
  const fields = event as unknown as Json;
  return Object.fromEntries(
    NAMES.filter((name) => name in event).map((name) => [name, fields[name]]),
  );
}

/** Of tool calls that need an approval. */
function approvalOf(event: CallbackEvent): Json {
  if (!('approval' in event) || event.approval === undefined) return {};
  const { status, approver } = event.approval;
  return { approval: { status, approver } };
}

/** Errors without their messages, which may quote content. */
function failureOf(event: CallbackEvent): Json {
  if (!hasFailed(event)) return {};
  const { message: _message, ...error } = describeError(event.error);
  return { error };
}

function hasFailed(event: CallbackEvent): event is CallbackEvent & { readonly error: unknown } {
  return 'error' in event && !isDenied(event);
}

/** Whether a person denied a tool call, which is not a failure of the tool. */
function isDenied(event: CallbackEvent): boolean {
  if (event.type !== 'tool.error' || event.aborted) return false;
  return event.approval?.status === 'denied' && event.error instanceof ToolExecutionError;
}

function nameOf(event: CallbackEvent, json: Json): string | undefined {
  for (const field of ['name', 'toolName', 'chainName', 'source', 'agentName'] as const) {
    const name = json[field];
    if (typeof name === 'string') return name;
    if (field in event && field !== 'agentName') return undefined;
  }
  if (event.provider === undefined) return event.scope;
  const { provider, model } = json;
  return provider === undefined ? undefined : `${textOf(provider)}/${textOf(model)}`;
}

function factsOf(event: CallbackEvent, json: Json): Partial<LogFields> {
  const { approval, finishReason } = json;
  const isPending = event.type === 'agent.end' && event.result.pending !== undefined;
  // Agents end by answering, except if their consumer left.
  const isCancelled = event.type === 'agent.end' && event.result.finishReason === 'cancelled';
  return {
    ...(isPending && { approval: 'pending' }),
    ...(isObject(approval) && {
      approval: textOf(approval['status']),
      approver: scalarOf(approval['approver']),
    }),
    ...(finishReason !== undefined && { finishReason: scalarOf(finishReason) }),
    ...(isCancelled && { finishReason: 'cancelled' }),
  };
}

/** The numbers of an event. */
function measuresOf(event: CallbackEvent): Partial<LogFields> {
  if (event.type === 'agent.step') {
    const { index, toolCalls, usage, cost } = event.step;
    return { step: index + 1, toolCalls: toolCalls.length, usage, cost };
  }
  return {
    ...('cached' in event && event.cached && { cached: true }),
    ...('documents' in event &&
      Array.isArray(event.documents) && { documents: event.documents.length }),
    ...('count' in event && { texts: event.count }),
    ...('steps' in event && { steps: event.steps.length }),
    ...('durationMs' in event && { durationMs: Math.round(event.durationMs) }),
    ...('timeToFirstChunkMs' in event &&
      event.timeToFirstChunkMs !== undefined && {
        timeToFirstChunkMs: Math.round(event.timeToFirstChunkMs),
      }),
    ...('usage' in event && { usage: event.usage }),
    ...('cost' in event && { cost: event.cost }),
    ...('attempts' in event && { attempts: event.attempts.length }),
  };
}

function errorOf(event: CallbackEvent, json: Json): Partial<LogFields> {
  const { error } = json;
  if (!hasFailed(event) || error === undefined) return {};
  if (!isObject(error)) return { error: { name: textOf(error) } };
  const fields = Object.entries(error);
  return {
    error: Object.fromEntries(
      fields.map(([name, value]) => [
        name,
        typeof value === 'string' ? cut(value) : scalarOf(value),
      ]),
    ),
  };
}

/** What is in an event, as texts. */
function contentOf({ type }: CallbackEvent, json: Json): Record<string, string> {
  const isAgent = type === 'agent.end' || type === 'agent.step';
  const whole = json[type === 'agent.step' ? 'step' : 'result'];
  const [from, names]: [Json, readonly string[]] =
    isAgent && isObject(whole)
      ? [whole, PARTS]
      : [json, EVENTS[type].phase === 'start' ? INPUT : OUTPUT];
  return Object.fromEntries(
    names
      .filter((name) => from[name] !== undefined && !isEmpty(from[name]))
      .map((name) => [name, cut(textOf(from[name]))]),
  );
}

/** Names and ids are the application's; a value of another type than declared must not cost the line. */
function scalarOf(json: unknown): Scalar {
  return typeof json === 'object' && json !== null ? '[object]' : (json as Scalar);
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

function textOf(json: unknown): string {
  return typeof json === 'string' ? json : (JSON.stringify(json) ?? '');
}

function cut(text: string): string {
  if (text.length <= MAX_CONTENT) return text;
  return `${text.slice(0, MAX_CONTENT).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
