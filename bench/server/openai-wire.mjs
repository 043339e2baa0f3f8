// What OpenAI's chat completions look like on the wire, fields that nobody reads included.
import { ORDER_TOOL, REPORT_TOOL, argumentPieces, pieces } from './text.mjs';

const MODEL = 'gpt-4o-mini-2024-07-18';
const ID = 'chatcmpl-CZ9hVbG3xKq0bench0000000000';
/** Some take two messages of one id in a conversation for one message. */
const TOOL_ANSWER_ID = 'chatcmpl-CZ9hVbG3xKq0bench0000000001';
const HEAD = { id: ID, created: 1_760_000_000, model: MODEL };
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

/** The events of a streamed tool call, whose arguments come in `count` pieces. */
export function openAiToolEvents(count) {
  const called = { name: REPORT_TOOL, arguments: '' };
  const head = { id: toolCallId(0), type: 'function', function: called };
  return [
    chunk({ role: 'assistant', content: null, tool_calls: [{ index: 0, ...head }], refusal: null }),
    ...argumentPieces(count).map((piece) =>
      chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] }),
    ),
    chunk({}, 'tool_calls'),
    data({ ...streamHead(), choices: [], usage: usage(count), obfuscation: '' }),
    'data: [DONE]\n\n',
  ];
}

/** The answer in one piece. */
export function openAiAnswer(count) {
  return answerWith({ content: pieces(count).join('') }, 'stop', count);
}

/** An answer that calls a tool `calls` times. */
export function openAiToolAnswer(calls) {
  const toolCalls = Array.from({ length: calls }, (_, i) => ({
    id: toolCallId(i),
    type: 'function',
    function: { name: ORDER_TOOL, arguments: JSON.stringify({ order: `104${i}` }) },
  }));
  return answerWith({ content: null, tool_calls: toolCalls }, 'tool_calls', 10 * calls);
}

export function toolCallId(index) {
  return `call_bench_${index}`;
}

function answerWith(answer, finishReason, outputTokens) {
  const id = answer.tool_calls ? TOOL_ANSWER_ID : ID;
  const message = { role: 'assistant', ...answer, refusal: null, annotations: [] };
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason };
  const head = { ...HEAD, id, object: 'chat.completion' };
  return JSON.stringify({ ...head, choices: [choice], usage: usage(outputTokens), ...FINGERPRINT });
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
