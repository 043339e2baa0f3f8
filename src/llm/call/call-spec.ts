import type { PriceBook } from '../../prices/price-book.js';
import type { RunRuntime } from '../../runs/active-run.js';
import type { AnswerSchema } from '../../schema/answer-schema.js';
import type { LlmClients } from '../llm-client.js';
import type { LlmStreamOptions } from '../llm-options.js';
import type { LlmTarget } from './request-meter.js';

/** What every call of an application shares. */
export interface LlmRuntime extends RunRuntime {
  readonly prices: PriceBook;
  readonly clients: LlmClients;
}

/** What is asked, of whom. */
export interface LlmCallSpec extends LlmTarget {
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
  /** What the answer must fit. */
  readonly schema: AnswerSchema | undefined;
}
