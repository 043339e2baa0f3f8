import type {
  LlmChunk,
  LlmResponse,
  LlmService,
  LlmStreamOptions,
  Message,
} from 'nestjs-llm-callbacks';
import { events, json } from './serve.js';
import type { Serve } from './server.js';
import type { Said, WireFormat } from './wire-format.js';

/** The two methods to call a model. */
export type Method = 'generate' | 'stream';
export const METHODS: readonly Method[] = ['generate', 'stream'];

/** Serves an answer of a provider in the form of the method. */
export function says(wire: WireFormat, method: Method, said: Said): Serve {
  return method === 'stream' ? events(...wire.stream(said)) : json(wire.answer(said));
}

/** Calls one of the two methods, and reads the answer to its end. */
export async function ask(
  llm: LlmService,
  method: Method,
  input: string | readonly Message[] = 'Hi',
  options: LlmStreamOptions = {},
): Promise<LlmResponse> {
  if (method === 'generate') return llm.generate(input, options);
  const stream = llm.stream(input, options);
  await readAll(stream);
  return stream.response;
}

/** All items of an iterable. */
export async function readAll<T = LlmChunk>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/** The first item of an iterable; stops reading then, as `break` does. */
export async function readOne<T = LlmChunk>(iterable: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of iterable) return item;
  return undefined;
}

/** The error that a promise rejects with; fails when it does not reject. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('It did not fail.');
}
