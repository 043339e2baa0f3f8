import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import { concludeStream } from './execute.js';
import { InterceptorChain } from './interceptor-chain.js';
import type { LlmCall } from './llm-call.js';
import { type Answer, checkResult } from './response.js';
import { providerError, ProviderRequest } from './provider-request.js';
import type { ItemSource, Streamed } from './streamed.js';

/** A call that is read as a stream. */
export class StreamedCall implements Streamed {
  /** The request, if no interceptor wraps the call. */
  #request: ProviderRequest | undefined;

  constructor(private readonly call: LlmCall) {}

  begin(): void | Promise<void> {
    return this.call.begin();
  }

  open(read: (source: ItemSource) => void): void {
    const { call } = this;
    if (call.isIntercepted) {
      new InterceptorChain(call, call.spec, call.run.signal).open(read);
      return;
    }
    this.#request = new ProviderRequest(call, call.spec, call.run.signal);
    this.#request.stream(read, call.place);
  }

  whenAborted(listener: (reason: unknown) => void): void {
    this.call.run.whenAborted(listener);
  }

  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void> {
    return this.call.chunk(chunk, timestamp);
  }

  check(item: unknown): Answer {
    return this.#request === undefined ? (item as Answer) : checkResult(this.call.spec, item);
  }

  async conclude(answer: Answer): Promise<LlmResponse> {
    if (this.#request !== undefined) await this.#request.answered(answer);
    return concludeStream(this.call, answer);
  }

  sourceError(thrown: unknown): Error {
    return this.#request === undefined ? (thrown as Error) : providerError(this.call.spec, thrown);
  }

  breakOff(error: unknown): Promise<LlmResponse> {
    return this.call.breakOff(error);
  }

  /** A provider is not awaited; interceptors may have cleanup to do. */
  releasing(done: Promise<void>): void {
    if (this.call.isIntercepted) this.call.holdOpen(done);
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
