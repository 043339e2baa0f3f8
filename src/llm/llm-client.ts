import type { ClientCircle } from '../registry/index.js';
import type { LlmProvider } from './llm-provider.js';

/** A client as `forRoot` or `forFeature` described it, ready to be called. */
export interface LlmClient extends ClientCircle {
  readonly provider: LlmProvider;
  /** Its provider in events, errors and prices. */
  readonly label: string;
  readonly model: string;
}
