import type { UnderlyingByteSource } from 'node:stream/web';
import { clearImmediate, setImmediate } from 'node:timers';
import { LlmAbortedError } from '../errors/llm-errors.js';
import type { AnswerFeed } from './answer-feed.js';

/** A call whose answer is passed through, as its body sees it. */
export interface PassedCall {
  readonly feed: AnswerFeed;
  /** Whether the answer is streamed, so that nothing of it is held back. */
  readonly streaming: boolean;
  /** Settles when the run has ended; rejects with its error. */
  readonly done: Promise<unknown>;
  /** Whether the run failed because its answer is wrong: the reader then gets what a raw client gives. */
  isOfAnswer(error: unknown): boolean;
  /** After how long an answer that nobody reads is cancelled. */
  readonly unreadMs: number;
  /** Whether the caller has aborted the call. */
  readonly isAborted: boolean;
  /** Set while the reader of the body waits for bytes. */
  isRead: boolean;
  /** The reader of the body left. */
  left(): void;
  /** Aborts the request: a body that an SDK makes of another may be cancelled only when its next bytes arrive. */
  stop(): void;
}

function isAbort(thrown: unknown): boolean {
  return (Object(thrown) as { name?: unknown }).name === 'AbortError';
}

/**
 * What the body of a stopped call fails with: the error of its run. An `AbortError` gets another name in a stream, which
 * clients would otherwise end as if it were complete.
 */
export function failureOf(error: unknown, streaming: boolean): unknown {
  if (!streaming || !isAbort(error)) return error;
  const shown = new LlmAbortedError((error as Error).message, { cause: error });
  return Object.assign(shown, { name: 'LlmAbortedError' });
}

const UNREAD = 'The answer was not read.';

/**
 * The body of an answer, at the pace of its reader: bytes are handed on when the handlers of what is in them are done, the
 * last ones when the run has ended. If the run fails, the body fails with its error.
 */
export class ObservedBody implements UnderlyingByteSource {
  readonly type = 'bytes';
  #stream: ReadableStream<Uint8Array> | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Of a whole answer, the bytes that wait for the end of the run. */
  #held: Uint8Array | undefined;
  #isOver = false;
  #failure: { readonly error: Error } | undefined;
  /** Fails the reading of a whole answer. */
  #reject: ((error: unknown) => void) | undefined;
  readonly #unread: NodeJS.Timeout;
  readonly #untouched: NodeJS.Immediate;

  constructor(
    private readonly body: ReadableStream<Uint8Array>,
    private readonly call: PassedCall,
  ) {
    this.#unread = setTimeout(() => this.#drop(), call.unreadMs).unref();
    // A connection may be lost also while nobody reads.
    this.#untouched = setImmediate(() => this.stream).unref();
    call.done.then(
      () => this.#settled(),
      (error: unknown) => {
        if (!this.#isClients(error)) this.#stopped(error);
      },
    );
  }

  /** Whether the stream was made. */
  get isStreamed(): boolean {
    return this.#stream !== undefined;
  }

  /** What the client reads; made when it is first asked for. */
  get stream(): ReadableStream<Uint8Array> {
    if (this.#stream === undefined) {
      clearImmediate(this.#untouched);
      this.#reader = this.body.getReader();
      this.#reader.closed.catch((error: unknown) => this.#lost(error));
      this.#stream = new ReadableStream(this, { highWaterMark: 0 });
    }
    return this.#stream;
  }

  /** Reads an answer that is not streamed at once, by `read`, and in place of the stream. */
  async whole(read: () => Promise<ArrayBuffer>): Promise<Uint8Array> {
    clearTimeout(this.#unread);
    clearImmediate(this.#untouched);
    this.call.isRead = true;
    try {
      if (this.#failure !== undefined) throw this.#failure.error;
      const stopped = new Promise<never>((_, reject) => (this.#reject = reject));
      const bytes = new Uint8Array(await Promise.race([read(), stopped]));
      this.#isOver = true;
      const { feed } = this.call;
      void feed.push(bytes);
      void feed.end();
      await this.#ended();
      return bytes;
    } catch (error) {
      await this.#close(error);
      throw error;
    } finally {
      this.call.isRead = false;
    }
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    clearTimeout(this.#unread);
    this.call.isRead = true;
    try {
      let handed: Uint8Array | undefined;
      while (handed === undefined) {
        const { done, value } = await this.#reader!.read();
        this.#check();
        if (done) return await this.#end(controller);
        const { feed } = this.call;
        await feed.push(value);
        this.#check();
        // The run ends by these bytes. Clients ignore what follows an end marker, which may be in them: an error, too.
        if (feed.isLeft) await this.#ended();
        handed = this.#toHand(value);
      }
      controller.enqueue(handed);
    } catch (error) {
      await this.#close(error);
      controller.error(error);
      this.#reader!.cancel(error).catch(() => undefined);
    } finally {
      this.call.isRead = false;
    }
  }

  cancel(reason: unknown): void {
    clearTimeout(this.#unread);
    if (!this.#isOver) this.call.left();
    this.#isOver = true;
    this.#cancelBody(reason);
  }

  #drop(): void {
    this.cancel(UNREAD);
    this.call.stop();
  }

  /** The run has failed, for another reason than its answer: nothing more is read, also if nobody waits for it. */
  #stopped(error: unknown): void {
    const failure = failureOf(error, this.call.streaming);
    this.#failure = { error: failure as Error };
    this.#reject?.(failure);
    this.call.feed.leave();
    this.#release(failure);
  }

  /** A run that ends before its answer does was cancelled: its reader gets the end, like that of an own stream. */
  #settled(): void {
    if (!this.#isOver && !this.call.feed.isComplete) this.#release(UNREAD);
  }

  #release(reason: unknown): void {
    clearTimeout(this.#unread);
    this.#cancelBody(reason);
  }

  /** Ends what waits for the body. Not waited for, because the client then aborts its request. */
  #cancelBody(reason: unknown): void {
    // A body that is being read whole is locked: its request is aborted.
    if (this.#reader === undefined && this.body.locked) this.call.stop();
    else (this.#reader ?? this.body).cancel(reason).catch(() => undefined);
  }

  #toHand(value: Uint8Array): Uint8Array | undefined {
    if (this.call.streaming) return value;
    const handed = this.#held;
    this.#held = value;
    return handed;
  }

  async #end(controller: ReadableByteStreamController): Promise<void> {
    this.#isOver = true;
    void this.call.feed.end();
    await this.#ended();
    if (this.#held !== undefined) controller.enqueue(this.#held);
    controller.close();
    controller.byobRequest?.respond(0);
  }

  /** The reader is about to get an error: the run ends first. */
  async #close(thrown: unknown): Promise<void> {
    this.#lost(thrown);
    await this.call.done.catch(() => undefined);
    this.call.stop();
  }

  /** Ends the run, while the reader gets what a raw client gives. */
  #lost(thrown: unknown): void {
    this.#isOver = true;
    clearTimeout(this.#unread);
    // A client may abort its request when the reader of its stream leaves.
    if (isAbort(thrown) && !this.call.isAborted) this.call.left();
    else this.call.feed.fail(thrown);
  }

  async #ended(): Promise<void> {
    try {
      await this.call.done;
    } catch (error) {
      if (!this.#isClients(error)) throw failureOf(error, this.call.streaming);
    }
  }

  /** Whether the client has its own error for what ended the run: of a wrong answer, or of an abort by its caller. */
  #isClients(error: unknown): boolean {
    return this.call.isOfAnswer(error) || this.call.isAborted;
  }

  /** Throws the error of a run that failed meanwhile. */
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
