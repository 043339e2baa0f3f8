import type { ClientScope } from '../handlers/handler-scope.js';
import type { CurrentContext } from '../runs/current-context.js';
import type { LlmRequest } from '../types/llm.js';
import type { LlmProvider } from './llm-provider.js';

/** A client that is ready to be called, as `forRoot` or `forFeature` configured it. */
export interface LlmClient extends ClientScope {
  readonly provider: LlmProvider;
  /** The provider's name in events, errors and prices. */
  readonly label: string;
  readonly model: string;
  /**
   * Set if a test replaced the configured provider with `provider`; it also replaces what would be resolved per call.
   */
  readonly standIn?: LlmProvider | undefined;
  /** Chooses the client that is actually called, for each call. */
  readonly resolver?: TargetResolver | undefined;
  /** The client of the application that it was resolved from. */
  readonly origin?: LlmClient;
  /** Whether implausible counts of its server were logged; they are logged once. */
  isDoubtLogged?: boolean;
}

/** Resolves the client and request of a call by its context. */
export interface TargetResolver {
  /** Rejects with what the application's `llm.resolve` threw. */
  resolve(
    origin: LlmClient,
    request: LlmRequest,
    context: CurrentContext,
  ): Promise<{ readonly client: LlmClient; readonly request: LlmRequest }>;
}

/** The application's clients by name. */
export interface LlmClients {
  /** @throws CallbacksConfigurationError for a name that no client has, and for a client without a model */
  named(name: string): LlmClient;
}
