import type { PriceBook } from '../../prices/price-book.js';
import type { RunRuntime } from '../../runs/active-run.js';
import type { AnswerSchema } from '../../schema/answer-schema.js';
import type { LlmClients } from '../llm-client.js';
import type { LlmStreamOptions } from '../llm-options.js';
import type { LlmTarget } from './request-meter.js';

/** What all calls of an application share. */
export interface LlmRuntime extends RunRuntime {
  readonly prices: PriceBook;
  readonly clients: LlmClients;
}

/** The client and request of a call, with its options. */
export interface LlmCallSpec extends LlmTarget {
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
  /** The schema that the answer must match. */
  readonly schema: AnswerSchema | undefined;
}
