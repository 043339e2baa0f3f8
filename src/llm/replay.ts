import type { LlmChunk } from '../shapes/index.js';
import { LlmStream } from './llm-stream.js';
import { checkAnswer, isChunk, type Answer } from './provider-result.js';
import type { LlmTarget } from './request-meter.js';
import { toToolCall } from './tool-call.js';

/** Who gave something to be replayed. */
export interface ReplayPlace {
  /** The interceptor, as `Class.method`. */
  readonly interceptor: string;
  readonly target: LlmTarget;
  /** Where the interceptor's own code is run. */
  readonly inside: <R>(work: () => R) => R;
}

/** What an interceptor gives for a streamed call, as chunks and the answer as the last item; it is called when it is read. */
export async function* replay(
  intercept: () => unknown,
  place: ReplayPlace,
): AsyncGenerator<LlmChunk | Answer, void, undefined> {
  const given = await intercept();
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
  { interceptor, target, inside }: ReplayPlace,
): AsyncGenerator<LlmChunk | Answer, void, undefined> {
  const reader = inside(() => stream[Symbol.asyncIterator]());
  const next = (): Promise<IteratorResult<unknown, unknown>> => inside(() => reader.next());
  const read = new ReadAnswer();
  let given: unknown;
  let isOver = false;
  try {
    let item = await next();
    for (; !item.done && isChunk(item.value); item = await next()) {
      read.add(item.value);
      yield item.value;
    }
    // What the interceptor does after its answer comes before the end is told.
    if (!item.done) {
      given = item.value;
      item = await next();
    }
    isOver = item.done ?? false;
  } finally {
    if (!isOver) await inside(() => reader.return?.());
  }
  given ??= stream instanceof LlmStream ? await stream.response : read.answer;
  yield checkAnswer(interceptor, target, given);
}

/** A whole answer in pieces. */
function* chunksOf({ text, toolCalls }: Answer): Generator<LlmChunk, void, undefined> {
  if (text !== '') yield { type: 'text', text };
  for (const [index, { id, name, argsText }] of toolCalls.entries())
    yield { type: 'tool-call', index, id, name, argsDelta: argsText };
}

/** The answer that chunks add up to. */
class ReadAnswer {
  #text = '';
  readonly #calls = new Map<number, { id: string; name: string; argsText: string }>();

  add(chunk: LlmChunk): void {
    if (chunk.type === 'text') this.#text += chunk.text;
    if (chunk.type !== 'tool-call') return;
    const { index, id = '', name = '', argsDelta } = chunk;
    const call = this.#calls.get(index);
    if (call === undefined) this.#calls.set(index, { id, name, argsText: argsDelta });
    else call.argsText += argsDelta;
  }

  get answer(): object {
    const toolCalls = [...this.#calls.values()].map(({ id, name, argsText }) =>
      toToolCall(id, name, argsText),
    );
    const text = this.#text;
    return {
      text,
      toolCalls,
      message: { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) },
      finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    };
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (Object(value) as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function'
  );
}
