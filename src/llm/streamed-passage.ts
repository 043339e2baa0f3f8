import { LlmAbortedError } from '../errors/index.js';
import { defer } from '../run/index.js';
import type { LlmChunk, LlmResponse } from '../shapes/index.js';
import type { LlmPassage } from './llm-passage.js';
import type { Answer } from './provider-result.js';
import { Arrivals } from './request-meter.js';
import type { ItemSource, Streamed } from './streamed.js';

/** The stream that an interceptor's `next` gives: of the answer alone; nothing is told. */
export class StreamedPassage implements Streamed {
  readonly #closed = defer<void>();
  #arrivals: Arrivals;
  #cancelled = false;

  constructor(
    private readonly passage: LlmPassage,
    /** Stops this stream alone. */
    private readonly left: AbortController,
    /** Has it stop with what is around it; returns what ends that. */
    private readonly watch: () => () => void,
  ) {
    this.#arrivals = new Arrivals(passage.call.collect);
  }

  begin(): void {
    void this.closed.then(this.watch());
    if (this.passage.signal.aborted) throw this.passage.signal.reason as Error;
    this.passage.call.stopAtEnd(this.left, this.closed);
  }

  open(read: (source: ItemSource) => void): void {
    this.passage.open((source) => {
      this.#arrivals = this.passage.meter?.arrivals ?? this.#arrivals;
      read(source);
    });
  }

  whenAborted(listener: (reason: unknown) => void): void {
    const { signal } = this.passage;
    const tell = () => listener(signal.reason);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
    void this.closed.then(() => signal.removeEventListener('abort', tell));
  }

  chunk(chunk: LlmChunk): void {
    this.#arrivals.chunk(chunk);
  }

  check(item: unknown): Answer {
    return this.passage.check(item);
  }

  async conclude(answer: Answer): Promise<LlmResponse> {
    await this.passage.arrived(answer);
    this.#closed.resolve();
    return this.passage.answered(answer);
  }

  sourceError(thrown: unknown): Error {
    return thrown as Error;
  }

  async breakOff(thrown: unknown): Promise<LlmResponse> {
    const { passage } = this;
    try {
      if (!this.#cancelled) throw await passage.failed(thrown);
      await passage.call.meter.prepareCost();
      passage.meter?.brokeOff();
      const { text } = this.#arrivals;
      return passage.response({
        id: '',
        model: passage.meter?.model ?? passage.request.model,
        text,
        message: { role: 'assistant', content: text },
        toolCalls: [],
        finishReason: 'cancelled',
        usage: passage.spent.usage,
      });
    } finally {
      this.#closed.resolve();
    }
  }

  /** A provider is not waited for; interceptors have things to bring in order. */
  releasing(done: Promise<void>): void {
    if (this.passage.meter === undefined) this.passage.call.holdOpen(done);
  }

  abort(reason: Error): void {
    this.left.abort(reason);
  }

  cancel(): void {
    if (this.left.signal.aborted) return;
    this.#cancelled = true;
    this.left.abort(new LlmAbortedError('The reader of the stream stopped reading.'));
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }
}
