import type OpenAI from 'openai';
import type { CallbacksError, LlmChunk, LlmErrorEvent, LlmResponse } from 'nestjs-llm-callbacks';
import { Bench } from './bench.js';
import { MemoryWire, Packets } from './memory-wire.js';
import type { RandomFormat } from './random-formats.js';
import { newClient } from './sdk-clients.js';
import { sender } from './sdk-mocks.js';
import { contentOfChunks, contentOfEvents, type Content } from './content.js';
import type { WireFormat } from './wire-format.js';

/** What a reader received from a stream, and the error that ended it, if any. */
export interface Read {
  /** The number of events or chunks it received. */
  readonly count: number;
  readonly content: Content;
  readonly error?: unknown;
  /** Whether a chat completion has sent its finish reason. */
  readonly isFinished?: boolean;
}

/** The result of the library for a stream. */
export interface OwnRead extends Read {
  readonly chunks: readonly LlmChunk[];
  readonly error?: CallbacksError;
  readonly response?: LlmResponse;
  /** The event that ended the run, if it failed. */
  readonly event?: LlmErrorEvent;
}

/** Reads the SDK's own stream until it ends or fails. */
export async function readBySdk(
  wire: WireFormat,
  client: object,
  onEvent: (count: number) => void = () => undefined,
): Promise<Read> {
  const events: unknown[] = [];
  const messages = [{ role: 'user', content: 'Hi' }];
  const body = { model: wire.model, max_tokens: 9, messages, input: 'Hi', stream: true };
  const result = (): Read => ({
    count: events.length,
    content: contentOfEvents(wire, events),
    isFinished: events.some(isFinish),
  });
  try {
    const stream = await sender(wire, client).create(body, {});
    for await (const event of stream as AsyncIterable<unknown>) onEvent(events.push(event));
    return result();
  } catch (error) {
    return { ...result(), error };
  }
}

function isFinish(event: unknown): boolean {
  const { choices = [] } = event as Partial<OpenAI.ChatCompletionChunk>;
  return choices.some(({ index, finish_reason }) => index === 0 && finish_reason);
}

/** Lets the library read a stream until it ends or fails. */
export async function readByUs(
  bench: Bench,
  onChunk: (count: number) => void = () => undefined,
): Promise<OwnRead> {
  const chunks: LlmChunk[] = [];
  const stream = bench.llm.stream('Hi');
  try {
    for await (const chunk of stream) onChunk(chunks.push(chunk));
    const content = contentOfChunks(chunks);
    return { count: chunks.length, chunks, content, response: await stream.response };
  } catch (error) {
    const event = bench.recording.events.at(-1) as LlmErrorEvent;
    const content = contentOfChunks(chunks);
    return { count: chunks.length, chunks, content, error: error as CallbacksError, event };
  }
}

/** An application and an SDK's client on the same wire format, without a network. */
export class TwoReaders {
  readonly memory = new MemoryWire();
  readonly sdk: object;
  readonly bench: Bench;
  readonly #wire: WireFormat;

  /** @param isWrapped makes the library read the SDK's own stream */
  constructor({ wire }: RandomFormat, isWrapped = false) {
    this.#wire = wire;
    const { fetch } = this.memory;
    const options = { fetch, maxRetries: 0, logLevel: 'off' };
    const client = (this.sdk = newClient(wire, 'http://memory.test', options));
    this.bench = new Bench(wire, {
      llm: () => ({ client: isWrapped ? new Proxy(client, {}) : client }),
    });
  }

  bySdk(packets: Packets): Promise<Read> {
    this.memory.answers(packets);
    return readBySdk(this.#wire, this.sdk);
  }

  byUs(packets: Packets): Promise<OwnRead> {
    this.memory.answers(packets);
    return readByUs(this.bench);
  }

  /** Lets the library read up to a chunk, and stop there; returns what it read, and the terminal event of the run. */
  async stopped(packets: Packets, count: number, how: 'break' | 'abort') {
    this.memory.answers(packets);
    const aborter = new AbortController();
    const read: LlmChunk[] = [];
    try {
      for await (const chunk of this.bench.llm.stream('Hi', { signal: aborter.signal })) {
        if (read.push(chunk) < count) continue;
        if (how === 'break') break;
        aborter.abort();
      }
    } catch (error) {
      if (!aborter.signal.aborted) throw error;
    }
    return { read, event: this.bench.recording.events.at(-1)! };
  }
}
