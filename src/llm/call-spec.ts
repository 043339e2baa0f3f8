import type { Dispatcher } from '../dispatch/index.js';
import type { PriceBook } from '../prices/index.js';
import type { OpenRuns } from '../run/index.js';
import type { LlmRequest } from '../shapes/index.js';
import type { LlmClient } from './llm-client.js';
import type { LlmStreamOptions } from './llm-options.js';

/** What every call of an application shares. */
export interface LlmRuntime {
  readonly dispatcher: Dispatcher;
  readonly prices: PriceBook;
  readonly openRuns: OpenRuns;
}

/** What is asked, of whom. */
export interface LlmCallSpec {
  readonly client: LlmClient;
  readonly request: LlmRequest;
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
}
