import { createHash } from 'node:crypto';
import {
  type ContentPart,
  type Message,
  type ToolCall,
  toToolName,
} from '../../../types/message.js';
import {
  isJsonObject,
  isObject,
  isWritable,
  jsonTextOf,
  parsedJson,
  type WireObject,
} from './wire-values.js';

/** A tool call of a conversation, in a form that every provider accepts, with its one result. */
export interface AnsweredCall {
  readonly id: string;
  /** The id of the call in the message. */
  readonly ownId: string;
  readonly name: string;
  readonly args: WireObject;
  /** The JSON of an object. */
  readonly argsText: string;
  readonly result: Message['content'];
}

/** One role's content. The results of an assistant's calls are with the calls. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: Message['content'];
  readonly calls: readonly AnsweredCall[];
  readonly providerData: unknown;
}

/** The result of a call without one in the conversation. Providers reject a call without a result. */
const NO_RESULT = 'There is no result: the call was not made.';
/** The user message if a provider requires one and there is none. */
export const OPENING = '(The conversation begins.)';
/** Replaces an image where a provider accepts only text. */
const IMAGE = '(an image)';

interface OpenTurn extends Omit<Turn, 'calls'> {
  readonly calls: readonly ToolCall[];
  readonly results: (Message['content'] | undefined)[];
}

/**
 * Converts a conversation to a form that providers accept, whatever its source: each call has a valid id, name and
 * arguments, and exactly one result, directly after it. Results without a call are left out, and so are messages
 * without content.
 */
export function toHistory(messages: readonly Message[], rule: IdRule): Turn[] {
  const turns: OpenTurn[] = [];
  for (const message of messages) {
    if (message.role === 'tool') answer(turns, message);
    else if (!isEmpty(message)) turns.push(toOpenTurn(message));
  }
  const given = turns.map(({ calls }) => calls.map(({ id }) => ownIdOf(id)));
  const ids = given.some((own) => own.length > 0) ? new CallIds(rule, given).assign() : given;
  return turns.map(({ role, content, providerData, calls, results }, turn) => ({
    role,
    content,
    providerData,
    calls: calls.map((call, place) => toAnswered(call, ids[turn]![place]!, results[place])),
  }));
}

/** Whether a message has neither content nor calls. */
export function isEmpty({ content, toolCalls, providerData }: Message): boolean {
  return !toolCalls?.length && providerData === undefined && isBlank(content);
}

/** Whether there is only white space. */
export function isBlank(content: Message['content']): boolean {
  if (typeof content === 'string') return content.trim() === '';
  return content.every((part) => part.type === 'text' && part.text.trim() === '');
}

/** The parts of a content that are not empty. */
export function partsOf(content: Message['content']): ContentPart[] {
  const parts: ContentPart[] =
    typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return parts.filter((part) => part.type !== 'text' || part.text.trim() !== '');
}

/** A content for a provider that accepts only text. */
export function withoutImages(content: Message['content']): Message['content'] {
  if (typeof content === 'string' || content.every(({ type }) => type === 'text')) return content;
  return content.map((part) => (part.type === 'text' ? part : { type: 'text', text: IMAGE }));
}

function toOpenTurn({ role, content, toolCalls = [], providerData }: Message): OpenTurn {
  const calls = role === 'assistant' ? toolCalls : [];
  return {
    role: role as Turn['role'],
    content,
    providerData: role === 'assistant' ? providerData : undefined,
    calls,
    results: calls.map(() => undefined),
  };
}

/** Adds a result to its call: the last one of that id that has none. */
function answer(turns: readonly OpenTurn[], { toolCallId, content }: Message): void {
  for (let turn = turns.length - 1; turn >= 0; turn--) {
    const { calls, results } = turns[turn]!;
    const place = calls.findIndex(
      ({ id }, index) => id === toolCallId && results[index] === undefined,
    );
    if (place < 0) continue;
    results[place] = content;
    return;
  }
}

function toAnswered(
  { id: ownId, name, args, argsText }: ToolCall,
  id: string,
  result: Message['content'] = NO_RESULT,
): AnsweredCall {
  const written = readArguments(args, argsText);
  return {
    id,
    ownId: ownIdOf(ownId),
    name: toToolName(typeof name === 'string' ? name : ''),
    ...written,
    result,
  };
}

/** As the model wrote them, if that is the JSON of an object; else as they are; else none. */
function readArguments(args: unknown, argsText: unknown): Pick<AnsweredCall, 'args' | 'argsText'> {
  if (typeof argsText === 'string') {
    const parsed = parsedJson(argsText);
    if (isObject(parsed) && isWritable(parsed)) return { args: parsed, argsText };
  }
  if (isObject(args) && isWritable(args)) {
    const written = jsonTextOf(args);
    // A BigInt, for instance: nothing that a model has written.
    if (isJsonObject(written)) return { args, argsText: written };
  }
  return { args: {}, argsText: '{}' };
}

function ownIdOf(id: unknown): string {
  return typeof id === 'string' ? id : '';
}

/** Which tool call ids a provider accepts. */
export interface IdRule {
  readonly fits: RegExp;
  /** The length of an id that replaces an invalid one. */
  readonly length: number;
  /** The range in which an id may stand for only one call. */
  readonly uniqueIn: 'turn' | 'conversation';
}

/** Digits that every provider accepts. */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Gives the calls of a conversation ids that a provider accepts. A valid id stays as it is. An invalid one is replaced
 * by an id derived from it, the same in each request, so that the provider's prompt cache still matches. Two ids never
 * become one.
 */
class CallIds {
  readonly #taken = new Set<string>();

  /** @param given the ids of all calls, turn by turn */
  constructor(
    private readonly rule: IdRule,
    private readonly given: readonly (readonly string[])[],
  ) {}

  /** The ids of all calls, in the same order. */
  assign(): string[][] {
    const kept = this.given.map((ids) => this.#keep(ids));
    return kept.map((ids, turn) => {
      if (this.rule.uniqueIn === 'turn') this.#restart(ids);
      return ids.map((id, place) => id ?? this.#make(this.given[turn]![place]!));
    });
  }

  /** The ids that may stay. */
  #keep(ids: readonly string[]): (string | undefined)[] {
    if (this.rule.uniqueIn === 'turn') this.#taken.clear();
    return ids.map((id) => {
      if (!this.rule.fits.test(id) || this.#taken.has(id)) return undefined;
      this.#taken.add(id);
      return id;
    });
  }

  #restart(kept: readonly (string | undefined)[]): void {
    this.#taken.clear();
    for (const id of kept) if (id !== undefined) this.#taken.add(id);
  }

  #make(id: string): string {
    for (let n = 0; ; n++) {
      const made = digest(`${n}:${id}`).slice(0, this.rule.length);
      if (this.#taken.has(made)) continue;
      this.#taken.add(made);
      return made;
    }
  }
}

function digest(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  return Array.from(bytes, (byte) => DIGITS[byte % DIGITS.length]).join('');
}

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 6;
/** The fields with the server's own text. Others repeat the request, or name kinds of errors. */
const SPEAKING = [
  'detail',
  'details',
  'error',
  'errors',
  'loc',
  'message',
  'msg',
  'param',
  'reason',
];

/**
 * The server's text in an SDK's error: the texts of the body that it keeps, whose form differs, else its message. It is
 * only matched for known phrases, and goes into no message.
 */
export function textsOf(thrown: unknown): string {
  const { message, error, reason } = Object(thrown) as Record<string, unknown>;
  const texts: string[] = [];
  collect({ error, reason }, texts, 0);
  if (texts.length === 0) collect(message, texts, 0);
  return texts.join(' ').slice(0, MAX_LENGTH);
}

function collect(value: unknown, texts: string[], depth: number): void {
  if (typeof value === 'string') texts.push(value);
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return;
  const parts: unknown[] = Array.isArray(value)
    ? value
    : SPEAKING.map((name) => (value as Record<string, unknown>)[name]);
  for (const part of parts) collect(part, texts, depth + 1);
}
