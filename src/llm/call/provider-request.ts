import { promised } from '../../util/promises.js';
import { CallbacksError } from '../../errors/callbacks-error.js';
import { LlmServerError } from '../../errors/llm-errors.js';
import type { Cancellation } from '../../runs/cancellation.js';
import type { Run } from '../../runs/run.js';
import { comeBack, type Enter, here, type InnerRequests } from '../../runs/run-context.js';
import type { LlmRequest, ModelRequest, ModelResponse } from '../../types/llm.js';
import { isContextFree, type LlmProviderContext, type LlmRetry } from '../llm-provider.js';
import { LayeredRequests } from './inner-requests.js';
import type { ModelAnswer, ModelTarget, RequestMeter } from './metering.js';
import type { ModelCall } from './model-call.js';
import { CallerFault } from '../providers/shared/sdk-error.js';
import { SdkProvider } from '../providers/shared/sdk-provider.js';
import type { ItemSource, StreamReader } from './stream-reader.js';

/** One request to a provider, within a call. */
export class ProviderRequest<
  Q extends ModelRequest,
  A extends ModelAnswer,
  R extends ModelResponse,
> {
  readonly meter: RequestMeter<Q>;
  readonly #context: LlmProviderContext;
  /** What the provider sends through observed layers. */
  #inner: LayeredRequests | undefined;

  /** @param stop what stops the request: the call, or what is aborted with it */
  constructor(
    private readonly call: ModelCall<Q, A, R>,
    readonly target: ModelTarget<Q>,
    private readonly stop: Cancellation,
    maxRetries?: number,
  ) {
    const meter = (this.meter = call.openRequest(target));
    this.#context = {
      context: call.run.context,
      signal: stop.signal,
      collect: call.collect,
      maxRetries,
      deadline: call.deadline,
      hasSpan: call.run.hasSpan,
      onRetry: (retry) => {
        if (this.#inner === undefined) this.#retried(retry);
        else this.#inner.retried('provider', retry);
      },
      onUsage: (usage) => void (meter.counted = usage),
      onModel: (model) => void (meter.model = model),
    };
  }

  /** The complete answer, recorded and checked. */
  whole(): Promise<A> {
    const { call } = this;
    const { client, request } = this.target;
    const answering = promised(() =>
      this.#inPlace(() => call.kind.send(client.provider, request, this.#context)),
    );
    return this.stop.orAborted(answering).then(
      (result) => this.#noted(result),
      (error: unknown) => {
        throw this.failed(error);
      },
    );
  }

  #noted(given: unknown): A {
    try {
      const result = this.call.kind.checkResult(this.target, given);
      this.answered(result);
      return result;
    } catch (error) {
      throw this.failed(error);
    }
  }

  /**
   * Lets a reader read the pieces of the answer, first in the right context; the reader records them at the meter.
   *
   * @param place where the stream was created, with the application's AsyncLocalStorages
   */
  stream(this: ProviderRequest<LlmRequest, A, R>, reader: StreamReader, place: Enter = here): void {
    const { client, request } = this.target;
    const open = (): ItemSource =>
      client.provider.stream(request, this.#context)[Symbol.asyncIterator]();
    const { arrivals } = this.meter;
    const { run } = this.call;
    if (this.#contextFree) {
      reader.read(bound(run, run.bound(open)), arrivals);
      return;
    }
    const inner = this.#layered();
    run.inside(() =>
      reader.read(
        place(() => run.inside(() => bound(run, staying(open())), inner)),
        arrivals,
      ),
    );
  }

  /** Calls the provider so that runs started by its own code know their parent. */
  #inPlace<T>(ask: () => T): T {
    const { run } = this.call;
    return this.#contextFree ? run.bound(ask) : run.inside(ask, this.#layered());
  }

  /** For what observed layers see below the provider; those of SDKs read their own answers. */
  #layered(): InnerRequests | undefined {
    const { provider } = this.target.client;
    if (provider instanceof SdkProvider && provider.server !== undefined) return undefined;
    const { meter } = this;
    return (this.#inner = new LayeredRequests(this.call.kind.name, {
      onRetry: (retry) => this.#retried(retry),
      onUsage: (usage) => void (meter.countedBelow = usage),
      onModel: (model) => void (meter.model = model),
    }));
  }

  #retried(retry: LlmRetry): void {
    if (this.meter.closed) return;
    this.meter.retried(retry);
    this.call.retrying(retry);
  }

  get #contextFree(): boolean {
    return isContextFree(this.target.client.provider);
  }

  /** Records the complete answer. */
  answered(result: A): void {
    const { meter } = this;
    if (result.id === '' && this.#inner !== undefined) result.id = this.#inner.responseId;
    meter.answered(result.model, meter.usageOf(result));
  }

  /** Records the failure; returns an error of this package. */
  failed(thrown: unknown): Error {
    const error = this.#stopped ?? providerError(this.target, thrown);
    this.call.requestFailed(this.meter, error);
    return error;
  }

  /** Why it was stopped; `undefined` if it was not. */
  get #stopped(): Error | undefined {
    const { run } = this.call;
    if (run.aborted) return run.reason as Error;
    return this.stop.aborted ? (this.stop.reason as Error) : undefined;
  }
}

/** Pulls a source in the contexts that the run is bound to. */
function bound(run: Run, source: ItemSource): ItemSource {
  if (run.binding === undefined) return source;
  const pulled: ItemSource = {
    next: () => run.bound(() => source.next()),
    return: () => run.bound(async () => source.return?.() ?? { done: true, value: undefined }),
  };
  return source.take === undefined
    ? pulled
    : { ...pulled, take: () => run.bound(() => source.take!()) };
}

/** A custom provider's code stays part of the run, wherever it is read; an SDK's own code starts no runs. */
function staying(source: ItemSource): ItemSource {
  const inside = comeBack();
  const next = () => source.next();
  const leave = async () => source.return?.() ?? { done: true, value: undefined };
  const kept = { next: () => inside(next), return: () => inside(leave) };
  return source.take === undefined ? kept : { ...kept, take: () => source.take!() };
}

/** What a provider threw, as an error of this package. */
export function providerError({ client }: ModelTarget, thrown: unknown): Error {
  if (thrown instanceof CallerFault) return thrown.thrown as Error;
  if (thrown instanceof CallbacksError) return thrown;
  return new LlmServerError(`The provider "${client.label}" failed; its own error is the cause.`, {
    cause: thrown,
  });
}
