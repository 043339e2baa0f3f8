import type { InnerRequest, InnerRequests } from '../../runs/run-context.js';
import { addUsage, isCounted, type Usage } from '../../types/usage.js';
import type { LlmRetry } from '../llm-provider.js';

/** What is done with what inner layers see. */
export interface InnerReports {
  /** The next attempt begins. */
  onRetry(retry: LlmRetry): void;
  /** The counts of the servers so far, of all requests. */
  onUsage(usage: Usage): void;
  onModel(model: string): void;
}

/**
 * The requests that a provider of the application sends through observed layers, for one request of its call: what the
 * layers see of them is what the provider may not report.
 */
export class LayeredRequests implements InnerRequests {
  /** The id of the last complete answer. */
  responseId = '';
  readonly #counts: Usage[] = [];
  #failure: { readonly error: Error; readonly at: number } | undefined;
  /** Retries, by who reported them; both report the same ones. */
  readonly #retries = { layers: 0, provider: 0 };
  #reported = 0;

  constructor(
    readonly kind: string,
    private readonly reports: InnerReports,
  ) {}

  sent(): InnerRequest {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined)
      this.retried('layers', { error: failure.error, delayMs: performance.now() - failure.at });
    let index: number | undefined;
    return {
      counted: (usage) => {
        if (!isCounted(usage)) return;
        index ??= this.#counts.length;
        this.#counts[index] = usage;
        this.reports.onUsage(this.#counts.reduce(addUsage));
      },
      answeredBy: (model) => this.reports.onModel(model),
      identified: (id) => void (this.responseId = id),
      failed: (error) => void (this.#failure = { error, at: performance.now() }),
    };
  }

  /** Reports a retry, unless the other side has. */
  retried(by: 'layers' | 'provider', retry: LlmRetry): void {
    if (++this.#retries[by] <= this.#reported) return;
    this.#reported++;
    this.reports.onRetry(retry);
  }
}
