import type { PriceBook } from '../prices/index.js';
import type { RunRuntime } from '../run/index.js';
import type { CompiledSchema } from '../schema/index.js';
import type { LlmRequest } from '../shapes/index.js';
import type { LlmClient } from './llm-client.js';
import type { LlmStreamOptions } from './llm-options.js';

/** What every call of an application shares. */
export interface LlmRuntime extends RunRuntime {
  readonly prices: PriceBook;
}

/** What is asked, of whom. */
export interface LlmCallSpec {
  readonly client: LlmClient;
  readonly request: LlmRequest;
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
  /** What the answer must fit. */
  readonly schema: CompiledSchema | undefined;
}
