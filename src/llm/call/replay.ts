import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import type { Enter } from '../../runs/run-context.js';
import { LlmStream } from '../llm-stream.js';
import { type Answer, checkAnswer, isChunk } from './response.js';
import type { LlmTarget } from './metering.js';
import { toToolCall } from '../providers/shared/wire-values.js';

/** The interceptor whose result is replayed, and its context. */
interface ReplayPlace {
  /** The interceptor, as `Class.method`. */
  readonly interceptor: string;
  readonly target: LlmTarget;
  /** Where the stream was created: it is first read there. */
  readonly begin: Enter;
  /** Runs the interceptor's own code in its context. */
  readonly inside: <R>(work: () => R) => R;
  /** What the interceptor's `next` last returned. */
  readonly given: () => LlmResponse | undefined;
  /** Whether the text is kept. */
  readonly collect: boolean;
}

/** An interceptor's result for a streamed call, as chunks with the answer as the last item. */
export async function* replay(
  given: unknown,
  place: ReplayPlace,
): AsyncGenerator<LlmChunk | Answer, void, undefined> {
  if (isAsyncIterable(given)) {
    yield* readThrough(given, place);
    return;
  }
  const answer = checkAnswer(place.interceptor, place.target, given);
  yield* chunksOf(answer);
  yield answer;
}

async function* readThrough(
  stream: AsyncIterable<unknown>,
  { interceptor, target, begin, inside, given: givenByNext, collect }: ReplayPlace,
): AsyncGenerator<LlmChunk | Answer, void, undefined> {
  const reader = inside(() => stream[Symbol.asyncIterator]());
  const next = (): Promise<IteratorResult<unknown, unknown>> => inside(() => reader.next());
  const read = new ReadAnswer(collect);
  let given: unknown;
  let isOver = false;
  try {
    let item = await begin(next);
    for (; !item.done && isChunk(item.value); item = await next()) {
      read.add(item.value);
      yield item.value;
    }
    // What the interceptor does after its answer runs before the end event is dispatched.
    if (!item.done) {
      given = item.value;
      item = await next();
    }
    isOver = item.done ?? false;
  } finally {
    if (!isOver) await inside(() => reader.return?.());
  }
  given ??= stream instanceof LlmStream ? await stream.response : read.answer(givenByNext());
  yield checkAnswer(interceptor, target, given);
}

/** A complete answer in pieces. */
function* chunksOf({ text, toolCalls }: Answer): Generator<LlmChunk, void, undefined> {
  if (text !== '') yield { type: 'text', text };
  for (const [index, { id, name, argsText }] of toolCalls.entries())
    yield { type: 'tool-call', index, id, name, argsDelta: argsText };
}

type Said = Pick<LlmResponse, 'text' | 'toolCalls'>;

interface ReadCall {
  readonly id: string;
  readonly name: string;
  argsText: string;
}

/** The answer that chunks add up to. */
class ReadAnswer {
  #text = '';
  readonly #calls: ReadCall[] = [];
  /** The call that pieces of an index belong to. */
  readonly #open = new Map<number, ReadCall>();

  constructor(private readonly collect: boolean) {}

  add(chunk: LlmChunk): void {
    if (chunk.type === 'text' && this.collect) this.#text += chunk.text;
    if (chunk.type !== 'tool-call') return;
    const { index, id = '', name = '', argsDelta } = chunk;
    const call = this.#open.get(index);
    // Two ids are two calls, even under one index.
    if (call !== undefined && !(name && id && call.id && id !== call.id)) {
      call.argsText += argsDelta;
      return;
    }
    const begun = { id, name, argsText: argsDelta };
    this.#calls.push(begun);
    this.#open.set(index, begun);
  }

  /** @param base the answer that the chunks may derive from, which has more fields than chunks have */
  answer(base: LlmResponse | undefined): object {
    const toolCalls = this.#calls.map(({ id, name, argsText }) => toToolCall(id, name, argsText));
    const text = this.#text;
    if (base !== undefined && isSame(base, { text, toolCalls })) return base;
    const isCut = base !== undefined && base.toolCalls.length === toolCalls.length;
    return {
      ...base,
      text,
      toolCalls,
      // Without the opaque blocks of the original answer, which hold its own content.
      message: { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) },
      finishReason: isCut ? base.finishReason : toolCalls.length > 0 ? 'tool-calls' : 'stop',
    };
  }
}

function isSame(one: Said, other: Said): boolean {
  const calls = ({ toolCalls }: Said) =>
    JSON.stringify(toolCalls.map(({ id, name, argsText }) => [id, name, argsText]));
  return one.text === other.text && calls(one) === calls(other);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (Object(value) as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function'
  );
}
