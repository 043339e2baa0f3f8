// What OpenAI's chat completions look like on the wire, fields that nobody reads included.
import { pieces } from './text.mjs';

const MODEL = 'gpt-4o-mini-2024-07-18';
const HEAD = { id: 'chatcmpl-CZ9hVbG3xKq0bench0000000000', created: 1_760_000_000, model: MODEL };
const FINGERPRINT = { service_tier: 'default', system_fingerprint: 'fp_560af6e559' };

/** The events of a streamed answer: role, `count` pieces of text, finish reason, usage, end marker. */
export function openAiEvents(count) {
  return [
    chunk({ role: 'assistant', content: '', refusal: null }),
    ...pieces(count).map((content) => chunk({ content })),
    chunk({}, 'stop'),
    data({ ...streamHead(), choices: [], usage: usage(count), obfuscation: '' }),
    'data: [DONE]\n\n',
  ];
}

/** The same answer in one piece. */
export function openAiAnswer(count) {
  const message = {
    role: 'assistant',
    content: pieces(count).join(''),
    refusal: null,
    annotations: [],
  };
  const choice = { index: 0, message, logprobs: null, finish_reason: 'stop' };
  const head = { ...HEAD, object: 'chat.completion' };
  return JSON.stringify({ ...head, choices: [choice], usage: usage(count), ...FINGERPRINT });
}

function chunk(delta, finishReason = null) {
  const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason };
  return data({ ...streamHead(), choices: [choice], usage: null, obfuscation: 'kP3vQz' });
}

function streamHead() {
  return { ...HEAD, object: 'chat.completion.chunk', ...FINGERPRINT };
}

function data(value) {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function usage(count) {
  return {
    prompt_tokens: 12,
    completion_tokens: count,
    total_tokens: count + 12,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
