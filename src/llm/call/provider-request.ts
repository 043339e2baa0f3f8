import { abortable, promised } from '../../dispatch/promises.js';
import { CallbacksError } from '../../errors/callbacks-error.js';
import { LlmServerError } from '../../errors/llm-errors.js';
import { comeBack, here, type Enter } from '../../runs/context-store.js';
import type { ProviderResult } from '../../types/llm.js';
import type { LlmCall } from './llm-call.js';
import { isContextFree, type LlmProviderContext } from '../llm-provider.js';
import { checkResult } from './provider-result.js';
import type { LlmTarget, RequestMeter } from './request-meter.js';
import { CallerFault } from '../providers/shared/caller-fault.js';
import type { ItemSource } from './streamed.js';

/** One request to a provider, within a call. */
export class ProviderRequest {
  readonly meter: RequestMeter;
  readonly #context: LlmProviderContext;

  /** @param signal that of the call, or one that fires with it */
  constructor(
    private readonly call: LlmCall,
    readonly target: LlmTarget,
    private readonly signal: AbortSignal,
    maxRetries?: number,
  ) {
    const meter = (this.meter = call.openRequest(target));
    this.#context = {
      context: call.run.context,
      signal,
      collect: call.collect,
      maxRetries,
      deadline: call.deadline,
      onRetry: (retry) => {
        if (meter.closed) return;
        meter.retried(retry);
        call.retrying(retry);
      },
      onUsage: (usage) => void (meter.counted = usage),
      onModel: (model) => void (meter.model = model),
    };
  }

  /** The whole answer, noted and checked. */
  whole(): Promise<ProviderResult> {
    const { call, signal } = this;
    const { client, request } = this.target;
    const answering = promised(() =>
      this.#inPlace(() => client.provider.generate(request, this.#context)),
    );
    // Interceptors, which run waits for itself, may ask several providers at once.
    const given = call.isIntercepted ? abortable(answering, signal) : call.run.orAborted(answering);
    return given.then(
      (result) => this.#noted(result),
      (error: unknown) => this.#refused(error),
    );
  }

  #noted(given: unknown): ProviderResult | Promise<ProviderResult> {
    try {
      const result = checkResult(this.target, given);
      const noting = this.answered(result);
      return noting === undefined ? result : noting.then(() => result);
    } catch (error) {
      return this.#refused(error);
    }
  }

  async #refused(thrown: unknown): Promise<never> {
    throw await this.failed(thrown);
  }

  /**
   * The pieces of the answer, read for the first time where they belong; the reader notes them at the meter.
   *
   * @param place where the stream was asked for, with the AsyncLocalStorages of the application
   */
  stream(read: (source: ItemSource) => void, place: Enter = here): void {
    const { client, request } = this.target;
    const open = (): ItemSource =>
      client.provider.stream(request, this.#context)[Symbol.asyncIterator]();
    if (this.#contextFree) {
      read(open());
      return;
    }
    const { run } = this.call;
    run.inside(() => read(place(() => run.inside(() => staying(open())))));
  }

  /** Calls the provider, where runs that its own code starts know whom they come from. */
  #inPlace<R>(ask: () => R): R {
    return this.#contextFree ? ask() : this.call.run.inside(ask);
  }

  get #contextFree(): boolean {
    return isContextFree(this.target.client.provider);
  }

  /** Notes the whole answer. What is returned is to be awaited. */
  answered(result: ProviderResult): void | Promise<void> {
    const { meter } = this;
    const note = () => void meter.answered(result.model, meter.usageOf(result));
    const loading = this.call.meter.prepareCost();
    if (loading !== undefined) return loading.then(note);
    note();
  }

  /** Notes that it failed; gives the error, which is one of our tree. */
  async failed(thrown: unknown): Promise<Error> {
    const error = this.#stopped ?? providerError(this.target, thrown);
    await this.call.meter.prepareCost();
    this.call.requestFailed(this.meter, error);
    return error;
  }

  /** Why it was stopped; `undefined` when it was not. */
  get #stopped(): Error | undefined {
    const { run } = this.call;
    if (run.aborted) return run.reason as Error;
    return this.signal.aborted ? (this.signal.reason as Error) : undefined;
  }
}

/** A provider's own code goes on as part of the run, wherever it is read; that of an SDK alone would start none. */
function staying(source: ItemSource): ItemSource {
  const inside = comeBack();
  const next = () => source.next();
  const leave = async () => source.return?.() ?? { done: true, value: undefined };
  const kept = { next: () => inside(next), return: () => inside(leave) };
  return source.take === undefined ? kept : { ...kept, take: () => source.take!() };
}

/** What a provider threw, as an error of our tree. */
export function providerError({ client }: LlmTarget, thrown: unknown): Error {
  if (thrown instanceof CallerFault) return thrown.thrown as Error;
  if (thrown instanceof CallbacksError) return thrown;
  return new LlmServerError(`The provider "${client.label}" failed; its own error is the cause.`, {
    cause: thrown,
  });
}
