import type { Random } from '../wire/random.js';
import type { Api } from './captured-wire.js';
import { ODD_ARGUMENTS, randomId, randomName } from './random-calls.js';

/** Reasoning of a provider: to be sent back to that provider only. */
export function thoughtOf(provider: string): string {
  return `thought of ${provider}`;
}

/** A whole answer in the form of an API: texts, reasoning, calls, and the errors that servers make in them. */
export function randomAnswer(random: Random, api: Api, provider: string): object {
  return ANSWERS[api](random, thoughtOf(provider));
}

const ANSWERS: Readonly<Record<Api, (random: Random, thought: string) => object>> = {
  chat: chatAnswer,
  responses: responsesAnswer,
  anthropic: anthropicAnswer,
};

const TEXTS = ['It is so.', 'It is so.', '', '\n\n', ' padded '];

function chatAnswer(random: Random, thought: string): object {
  const calls = random.chance(0.6) ? random.times(1, 3, () => chatCall(random, thought)) : [];
  const message = {
    role: 'assistant',
    content: random.chance(0.2) ? null : random.pick(TEXTS),
    ...(random.chance(0.3) && { reasoning_content: thought }),
    ...(random.chance(0.2) && {
      reasoning_details: [{ type: 'reasoning.text', text: thought, signature: 'SG', index: 0 }],
    }),
    ...(random.chance(0.2) && { extra_content: { google: { thought_signature: thought } } }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return {
    id: 'chat-2',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  };
}

function chatCall(random: Random, thought: string): object {
  const id = randomId(random);
  return {
    ...(id !== undefined && { id }),
    ...(random.chance(0.9) && { type: 'function' }),
    ...(random.chance(0.2) && { extra_content: { google: { thought_signature: thought } } }),
    function: { name: randomName(random), arguments: argumentsText(random) },
  };
}

function argumentsText(random: Random): string {
  return random.chance(0.7) ? random.json() : random.pick(ODD_ARGUMENTS);
}

function responsesAnswer(random: Random, thought: string): object {
  const output: object[] = [];
  const text = random.pick(TEXTS);
  if (random.chance(0.5))
    output.push({ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: thought });
  const calls = random.times(0, 3, (index) => ({
    type: 'function_call',
    id: `fc_${index}`,
    call_id: randomId(random) ?? '',
    name: randomName(random),
    arguments: argumentsText(random),
    status: 'completed',
  }));
  if (random.chance(0.6) || calls.length === 0) output.push(responsesMessage(text));
  output.push(...calls);
  return {
    id: 'resp_2',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'gpt-4o-mini',
    output,
    error: null,
    incomplete_details: null,
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  };
}

function responsesMessage(text: string): object {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id: 'msg_2', role: 'assistant', status: 'completed', content };
}

function anthropicAnswer(random: Random, thought: string): object {
  const content: object[] = [];
  if (random.chance(0.1))
    content.push({ type: 'compaction', content: random.pick(['So far.', null]) });
  if (random.chance(0.4)) content.push({ type: 'thinking', thinking: thought, signature: 'sig' });
  if (random.chance(0.1)) content.push({ type: 'redacted_thinking', data: thought });
  if (random.chance(0.7)) content.push({ type: 'text', text: random.pick(TEXTS) });
  if (random.chance(0.1)) content.push(...searched(random));
  const calls = random.chance(0.6)
    ? random.times(1, 3, () => ({
        type: 'tool_use',
        id: randomId(random) ?? '',
        name: randomName(random),
        input: JSON.parse(random.json()) as unknown,
        ...(random.chance(0.2) && { caller: { type: 'direct' } }),
      }))
    : [];
  content.push(...calls);
  return {
    id: 'msg_2',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5',
    content,
    stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  };
}

/** A search by the provider's own tool, with its result. */
function searched(random: Random): object[] {
  const id = `srvtoolu_${random.int(1, 1e9)}`;
  return [
    { type: 'server_tool_use', id, name: 'web_search', input: { query: 'this' } },
    { type: 'web_search_tool_result', tool_use_id: id, content: [] },
    { type: 'text', text: 'Found.' },
  ];
}
