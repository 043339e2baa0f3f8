import type { Attempt } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import { brand } from '../util/brand.js';
import { type RunInfo, TerminalEvent } from './event.js';

/** The client that was called last and the model that it was asked for, if interceptors changed the request. */
interface SentModel {
  readonly request: { readonly model: string };
  readonly client: { readonly label: string };
}

/** The end or the error of a billable call of any kind. */
export abstract class ModelTerminalEvent<S extends SentModel = SentModel> extends TerminalEvent {
  static {
    brand(this, 'class:ModelTerminalEvent');
  }

  readonly #sent: S | undefined;
  /** Tokens of all attempts. */
  abstract readonly usage: Usage;
  /** US dollars; `null` if a price is unknown. */
  abstract readonly cost: number | null;
  /** Milliseconds, without the start handlers. */
  abstract readonly durationMs: number;
  abstract readonly attempts: readonly Attempt[];

  constructor(run: RunInfo, sent: S | undefined) {
    super(run);
    this.#sent = sent;
  }

  /** The request that was actually sent, and its client, if interceptors changed them. */
  protected sent(): S | undefined {
    return this.#sent;
  }

  /** The name or label of the provider that was called last. */
  override get provider(): string | undefined {
    return this.#sent?.client.label ?? super.provider;
  }
  /** The model that was called last. */
  override get model(): string | undefined {
    return this.#sent?.request.model ?? super.model;
  }
}
