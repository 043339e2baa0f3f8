import type {
  ScriptedAnswer,
  ScriptedEmbeddings,
  ScriptedError,
  ScriptedErrorCode,
} from './provider-server.js';

/** An answer without its defaults. */
export type AnswerScript = Partial<Omit<ScriptedAnswer, 'type' | 'streamed' | 'model'>>;

/** Embeddings without their defaults. */
export type EmbeddingsScript = Partial<Omit<ScriptedEmbeddings, 'type' | 'model'>>;

/** The text that is embedded unless a test gives others, and its vector. */
export const TEXT = 'Hi';
const VECTOR = [0.5, -1, 0.25];

export const USAGE = { inputTokens: 1_200, outputTokens: 34 } as const;

const STATUSES: Readonly<Record<ScriptedErrorCode, number>> = {
  authentication: 401,
  permission: 403,
  rate_limit: 429,
  billing: 402,
  context_length: 400,
  content_filter: 400,
  invalid_request: 400,
  model_not_found: 404,
  overloaded: 503,
  server_error: 500,
  timeout: 408,
};

/** An error as a server sends it. */
export function errorOf(code: ScriptedErrorCode, retryAfterMs?: number): ScriptedError {
  return {
    type: 'error',
    code,
    status: STATUSES[code],
    message: `The server of the test reports: ${code}.`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** An answer of the model with defaults for what is not scripted. */
export function answerOf(model: string, streamed: boolean, script: AnswerScript): ScriptedAnswer {
  const { toolCalls = [] } = script;
  return {
    reasoning: [],
    text: toolCalls.length > 0 || 'text' in script ? [] : ['Hello'],
    finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    ending: 'end',
    packets: 'frames',
    usage: USAGE,
    ...script,
    type: 'answer',
    streamed,
    model,
    toolCalls,
  };
}

/** Embeddings with defaults for what is not scripted. */
export function embeddingsOf(model: string, script: EmbeddingsScript): ScriptedEmbeddings {
  return { embeddings: [VECTOR], usage: USAGE, ...script, type: 'embeddings', model };
}
