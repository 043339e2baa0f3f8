import type { ClientScope } from '../handlers/handler-scope.js';
import type { CurrentContext } from '../runs/current-context.js';
import type { LlmRequest } from '../types/llm.js';
import type { LlmProvider } from './llm-provider.js';

/** A client as `forRoot` or `forFeature` described it, ready to be called. */
export interface LlmClient extends ClientScope {
  readonly provider: LlmProvider;
  /** Its provider in events, errors and prices. */
  readonly label: string;
  readonly model: string;
  /** Set where a test has put `provider` in the place of the configured one, and of what would be chosen for a call. */
  readonly standIn?: LlmProvider | undefined;
  /** Chooses, for each call, the client that is really asked. */
  readonly resolver?: TargetResolver | undefined;
  /** The client of the application that it was resolved from. */
  readonly origin?: LlmClient;
  /** Whether it was logged that its server sends counts that cannot be right; that is said once. */
  isDoubtLogged?: boolean;
}

/** Finds out who is really asked for what, by the context of a call. */
export interface TargetResolver {
  /** Rejects with what the application's `llm.resolve` threw. */
  resolve(
    origin: LlmClient,
    request: LlmRequest,
    context: CurrentContext,
  ): Promise<{ readonly client: LlmClient; readonly request: LlmRequest }>;
}

/** The clients of an application by name. */
export interface LlmClients {
  /** @throws CallbacksConfigurationError for a name that no client has, and for a client without a model */
  named(name: string): LlmClient;
}
