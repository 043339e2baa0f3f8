import type { FinishReason } from '../../../types/llm.js';

/**
 * The finish reasons of providers, in lower case: OpenAI, Anthropic, Gemini, Mistral, Bedrock, and servers with open
 * models.
 */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end: 'stop',
  complete: 'stop',
  completed: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  max_length: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool-calls',
  tool_call: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  function_calls: 'tool-calls',
  content_filter: 'content-filter',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
  refusal: 'content-filter',
  sensitive: 'content-filter',
  safety: 'content-filter',
  recitation: 'content-filter',
  blocklist: 'content-filter',
  prohibited_content: 'content-filter',
  spii: 'content-filter',
  pause_turn: 'paused',
};

/** Normalizes a provider's finish reason, in any case. */
export function toFinishReason(reason: unknown, hasToolCalls: boolean): FinishReason {
  const name = typeof reason === 'string' ? reason.toLowerCase() : '';
  const known = Object.hasOwn(FINISH_REASONS, name) ? FINISH_REASONS[name]! : 'other';
  // Many servers report `stop` when they stopped for tool calls.
  return known === 'stop' && hasToolCalls ? 'tool-calls' : known;
}

/** Whether the finish reason means that the provider failed. */
export function isFailure(reason: unknown): boolean {
  return typeof reason === 'string' && reason.toLowerCase() === 'error';
}
