import type { CompiledSchema } from '../../schema/schema.js';
import type { LlmChunk, LlmRequest, LlmResponse } from '../../types/llm.js';
import { isPausable } from '../llm-options.js';
import { ask, openThrough } from './interceptor-chain.js';
import type { LlmCall } from './llm-call.js';
import type { ResponseAccumulator } from './metering.js';
import { providerError, ProviderRequest } from './provider-request.js';
import { type Answer, checkResult } from './response.js';
import type { Streamed, StreamReader } from './stream-reader.js';
import {
  type AnswerReading,
  isRepairable,
  readAnswer,
  repairRequest,
  schemaMismatch,
} from './structured-output.js';

/** Runs a call from its start event to its terminal event. */
export async function generate(open: () => LlmCall): Promise<LlmResponse> {
  const call = open();
  const { schema } = call.spec;
  try {
    const starting = call.start();
    if (starting !== undefined) await starting;
    const result = await ask(call, call.spec.request);
    const response =
      schema === undefined ? call.complete({ result }) : generateObject(call, schema, result);
    return response instanceof Promise ? await response : response;
  } catch (error) {
    return call.complete({ error });
  }
}

/** A call that is read as a stream. */
export class StreamedCall implements Streamed {
  readonly isLink = false;
  /** The request, if no interceptor wraps the call. */
  #request: ProviderRequest<LlmRequest, Answer, LlmResponse> | undefined;

  constructor(readonly call: LlmCall) {}

  get isCancelled(): boolean {
    return this.call.isCancelled;
  }

  passIn(): void {}

  start(): void | Promise<void> {
    return this.call.start();
  }

  open(reader: StreamReader): void | Promise<void> {
    const { call } = this;
    // Later, so that the reader holds the call open before an interceptor can end it.
    if (call.isIntercepted) return Promise.resolve().then(() => openThrough(call, reader));
    this.#request = new ProviderRequest(call, call.spec, call.run);
    this.#request.stream(reader, call.place);
  }

  onAbort(listener: (reason: unknown) => void): void {
    this.call.run.onAbort(listener);
  }

  follow(arrivals: ResponseAccumulator): void {
    this.call.meter.arrivals = arrivals;
  }

  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void> {
    return this.call.chunk(chunk, timestamp);
  }

  check(item: unknown): Answer {
    return this.#request === undefined ? (item as Answer) : checkResult(this.call.spec, item);
  }

  /** The consumer has already seen the answer, so it cannot be repaired. */
  async conclude(result: Answer): Promise<LlmResponse> {
    const { call } = this;
    this.#request?.answered(result);
    const { schema } = call.spec;
    if (schema === undefined) return call.complete({ result });
    try {
      return await conclude(call, result, await read(call, schema, result));
    } catch (error) {
      return call.complete({ error });
    }
  }

  sourceError(thrown: unknown): Error {
    return this.#request === undefined ? (thrown as Error) : providerError(this.call.spec, thrown);
  }

  async breakOff(error: unknown): Promise<LlmResponse> {
    return this.call.complete({ error });
  }

  holdOpen(cleanup: Promise<void>): void {
    this.call.holdOpen(cleanup);
  }

  abort(reason: Error): void {
    this.call.abort(reason);
  }

  cancel(): void {
    this.call.cancel();
  }

  get closed(): Promise<void> {
    return this.call.closed;
  }
}

/** Lets the model repair an answer that does not match, once. */
async function generateObject(
  call: LlmCall,
  schema: CompiledSchema,
  result: Answer,
): Promise<LlmResponse> {
  const reading = await read(call, schema, result);
  if (!isRepairable(result, reading)) return conclude(call, result, reading);
  const repair = repairRequest(call.spec.request, schema, result, reading.issues);
  call.rejectAttempt(schemaMismatch(result, reading.issues));
  const repaired = await ask(call, repair);
  return conclude(call, repaired, await read(call, schema, repaired));
}

function read(call: LlmCall, schema: CompiledSchema, result: Answer): Promise<AnswerReading> {
  call.arrived(result);
  const continuesPaused = isPausable(call.spec.options);
  return call.run.orAborted(readAnswer(schema, result, continuesPaused));
}

async function conclude(
  call: LlmCall,
  result: Answer,
  reading: AnswerReading,
): Promise<LlmResponse> {
  if ('issues' in reading) {
    const error = schemaMismatch(result, reading.issues);
    call.meter.rejectAttempt(error);
    throw error;
  }
  return await call.complete({ result }, reading.object);
}
