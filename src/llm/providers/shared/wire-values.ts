import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers';
import type { FinishReason } from '../../../types/llm.js';
import type { ToolCall } from '../../../types/message.js';
import { excessOf, MAX_CHECKED_NODES, MAX_DEPTH } from '../../../util/bounds.js';

/** A JSON object of unknown content. */
export type WireObject = Readonly<Record<string, unknown>>;

const NOTHING: WireObject = Object.freeze({});

/** The value as an object; empty if it is anything else, so that its fields can be read. */
export function objectOf(value: unknown): WireObject {
  return isObject(value) ? value : NOTHING;
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list; empty if it is not one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is a text, `''` otherwise. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value as the intended JSON text: a text as it is, nothing for nothing, the JSON of anything else. */
export function jsonTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Nested too deeply to be serialized. This is not valid JSON, so nothing is done with it.
    return '{';
  }
}

/** Whether `JSON.stringify`, which recurses, can serialize a value anywhere in a request. Never throws. */
export function isWritable(value: unknown): boolean {
  return excessOf(value, { depth: MAX_DEPTH, nodes: MAX_CHECKED_NODES }) === undefined;
}

/** Whether a text is the JSON of an object, as the arguments of a tool must be. */
export function isJsonObject(text: string): boolean {
  return isObject(parsedJson(text));
}

/** The value of a JSON text; `undefined` if it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const LEAVE_WITHIN_MS = 1_000;

/** A source of the parsed events of a streamed answer. */
export interface WireReader {
  /** Whether the server marked the end of the stream. */
  readonly isDone: boolean;
  /** The next event that has arrived; `undefined` when {@link WireReader.read} must be awaited first. */
  take(): unknown;
  /** Waits for more events; `false` at the end of the stream. */
  read(): Promise<boolean>;
  /** Cancels the stream. */
  close(): Promise<void>;
  /** Lets the stream end after a complete answer. */
  leave(): Promise<void>;
}

/**
 * Reads a stream to its end, so that its connection can be reused; a server that never ends it is disconnected. Never
 * rejects: the connection of a complete answer no longer matters.
 */
export async function readToEnd(
  read: () => Promise<{ done?: boolean }>,
  close: () => Promise<void>,
): Promise<void> {
  const giveUp = setTimeout(() => void close().catch(() => undefined), LEAVE_WITHIN_MS).unref();
  try {
    while (!(await read()).done);
  } catch {
    // As above.
  } finally {
    clearTimeout(giveUp);
  }
}

/** A whole answer where a stream was requested. */
export class WholeAnswer {
  constructor(readonly answer: object) {}
}

/** Reads an SDK's own stream, event by event. */
export class SdkReader implements WireReader {
  // It ends in the same way with and without the marker.
  readonly isDone = false;
  readonly #events: AsyncIterator<unknown>;
  #event: unknown;

  constructor(stream: AsyncIterable<unknown>) {
    this.#events = stream[Symbol.asyncIterator]();
  }

  /** Reads an answer that is not a stream, for instance from a mocked client. */
  static ofWhole(answer: object): SdkReader {
    return new SdkReader(only(new WholeAnswer(answer)));
  }

  take(): unknown {
    const event = this.#event;
    this.#event = undefined;
    return event;
  }

  async read(): Promise<boolean> {
    const event: IteratorResult<unknown> = await this.#events.next();
    this.#event = event.value;
    return event.done !== true;
  }

  async close(): Promise<void> {
    await this.#events.return?.();
  }

  leave(): Promise<void> {
    return readToEnd(
      () => this.#events.next(),
      () => this.close(),
    );
  }
}

async function* only(event: unknown): AsyncGenerator<unknown, undefined, undefined> {
  yield event;
  return undefined;
}

/**
 * The highest plausible token count of one answer. Today's largest contexts hold 10 million tokens, and a provider that
 * runs tools itself counts its context once per turn; a higher count is an error of the server.
 */
export const MAX_TOKENS = 50_000_000;

/** Some servers send numbers as text; the decimal point is for servers that write integers as decimals. */
const NUMERIC = /^\s*\d{1,15}(?:\.0+)?\s*$/;

/** A plausible count: finite, whole, from 0 to {@link MAX_TOKENS}; else `undefined`. */
export function readCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMERIC.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 0 && number <= MAX_TOKENS ? number : undefined;
}

/** Reads the counts of one answer, and records whether one of them is implausible. */
export class CountReader {
  /** Whether an implausible count was sent. */
  doubted = false;

  /** The largest valid one of the fields in which servers send a count; `undefined` if none is valid. */
  largest(...fields: unknown[]): number | undefined {
    let largest: number | undefined;
    let isSent = false;
    for (const field of fields) {
      const count = readCount(field);
      if (count !== undefined) largest = Math.max(largest ?? 0, count);
      else if (field !== undefined && field !== null) isSent = true;
    }
    if (largest === undefined && isSent) this.doubted = true;
    return largest;
  }

  /** A count as a part of another count; 0 if it exceeds it. */
  part(count: number | undefined, whole: number): number {
    if (count === undefined || count <= whole) return count ?? 0;
    this.doubted = true;
    return 0;
  }
}

/**
 * The finish reasons of providers, in lower case: OpenAI, Anthropic, Gemini, Mistral, Bedrock, and servers with open
 * models.
 */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end: 'stop',
  complete: 'stop',
  completed: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  max_length: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool-calls',
  tool_call: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  function_calls: 'tool-calls',
  content_filter: 'content-filter',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
  refusal: 'content-filter',
  sensitive: 'content-filter',
  safety: 'content-filter',
  recitation: 'content-filter',
  blocklist: 'content-filter',
  prohibited_content: 'content-filter',
  spii: 'content-filter',
  pause_turn: 'paused',
};

/** Normalizes a provider's finish reason, in any case. */
export function toFinishReason(reason: unknown, hasToolCalls: boolean): FinishReason {
  const name = typeof reason === 'string' ? reason.toLowerCase() : '';
  const known = Object.hasOwn(FINISH_REASONS, name) ? FINISH_REASONS[name]! : 'other';
  // Many servers report `stop` when they stopped for tool calls.
  return known === 'stop' && hasToolCalls ? 'tool-calls' : known;
}

/** Whether the finish reason means that the provider failed. */
export function isFailure(reason: unknown): boolean {
  return typeof reason === 'string' && reason.toLowerCase() === 'error';
}

/** An assembled tool call; its id may be missing or duplicated. */
export interface WrittenCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

const CUT =
  'The limit on output tokens (maxOutputTokens) cut the answer before the arguments were complete.';

/** A tool call as the model wrote it: its arguments parsed, or the reason why that failed. Empty arguments are `{}`. */
export function toToolCall(id: string, name: string, argsText: string): ToolCall {
  if (argsText.trim() === '') return { id, name, args: {}, argsText };
  try {
    return { id, name, args: JSON.parse(argsText) as unknown, argsText };
  } catch {
    return { id, name, args: undefined, argsText, argsError: 'The arguments are not valid JSON.' };
  }
}

/** The tool calls of one answer, each with a unique id for its result. */
export function toToolCalls(calls: readonly WrittenCall[]): ToolCall[] {
  const nextId = uniqueIds();
  return calls.map(({ id, name, args }) => toToolCall(nextId(id), name, args));
}

/**
 * Gives each call of one answer a unique id. Missing ids are random, so that they differ between turns too; duplicates
 * get a number.
 */
function uniqueIds(): (id: string) => string {
  const seen = new Set<string>();
  return (given) => {
    const id = given || `call_${randomUUID().replaceAll('-', '')}`;
    let unique = id;
    for (let n = 2; seen.has(unique); n++) unique = `${id}_${n}`;
    seen.add(unique);
    return unique;
  };
}

/**
 * The tool calls of an answer in a form in which each can be executed and answered: ids are present and unique, and no
 * call has arguments that the output token limit cut, or cut off. The same list if nothing changes.
 */
export function callable(calls: ToolCall[], finishReason: FinishReason): ToolCall[] {
  const isCut = finishReason === 'length' && calls.some(isUnfinished);
  const ids = new Set(calls.map(({ id }) => id));
  if (!isCut && ids.size === calls.length && !ids.has('') && !ids.has(undefined!)) return calls;
  const nextId = uniqueIds();
  return calls.map((call) => {
    const { id, name, argsText } = call;
    const own = { ...call, id: nextId(id) };
    return isCut && isUnfinished(call)
      ? { id: own.id, name, args: undefined, argsText, argsError: CUT }
      : own;
  });
}

/** Whether the arguments may continue beyond the end of the answer. No arguments at all count as incomplete. */
function isUnfinished({ argsText, argsError }: Partial<ToolCall>): boolean {
  return argsError !== undefined || !argsText?.trim();
}
