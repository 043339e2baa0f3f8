import { UNREPORTED_USAGE, type LlmResponse } from '../index.js';

/** A complete `LlmResponse` from the fields that a test needs. */
export function fakeLlmResponse(partial: Partial<LlmResponse> = {}): LlmResponse {
  const { text = '', toolCalls = [] } = partial;
  return {
    id: 'fake_1',
    provider: 'fake',
    model: 'fake',
    text,
    message: { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) },
    toolCalls,
    finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    usage: { ...UNREPORTED_USAGE, source: 'provider' },
    cost: 0,
    durationMs: 0,
    attempts: [],
    ...partial,
  };
}
