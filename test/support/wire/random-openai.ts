import type { RandomLines } from './random-lines.js';
import type { Random } from './random.js';

const chunk = (choices: object[], rest: object): object => ({
  id: 'chatcmpl-7',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-mini-2024-07-18',
  choices,
  ...rest,
});

/** Known finish reasons, and one that only a server with open models sends. */
const FINISH = ['stop', 'length', 'content_filter', 'function_call', 'eos'];

/** Where a server reports usage: nowhere, in the last chunk, with the end of the answer, or in every chunk. */
const COUNTS = ['nowhere', 'alone', 'alone', 'alone', 'at the end', 'everywhere'] as const;

/** The frames of a random stream of a chat completion. */
export function randomChatStream(random: Random, lines: RandomLines): string[] {
  const counts = random.pick(COUNTS);
  const usage = randomUsage(random);
  const none = random.chance(0.5) ? {} : { usage: null };
  const delta = (of: object, finish: string | null = null, index = 0) => {
    const isCounted = counts === 'everywhere' || (counts === 'at the end' && finish !== null);
    const choice = { index, delta: of, logprobs: null, finish_reason: finish };
    return chunk([choice], isCounted ? { usage } : none);
  };
  const calls = random.times(0, 3, (index) => toolCallDeltas(random, index));
  const chunks = [
    delta({ role: 'assistant', content: random.pick(['', null]) }),
    ...(random.chance(0.2) ? reasoning(random) : []).map((thought) => delta(thought)),
    ...said(random).map((piece) => delta(piece)),
    ...(random.chance(0.3) ? random.interleave(calls) : calls.flat()).map((call) =>
      delta({ tool_calls: [call] }),
    ),
  ];
  if (random.chance(0.1))
    chunks.push(delta({ role: 'assistant', content: 'Another choice.' }, 'stop', 1));
  chunks.push(delta({}, calls.length > 0 ? 'tool_calls' : random.pick(FINISH)));
  if (counts === 'alone') chunks.push(chunk([], { usage }));

  const frames = chunks.map((event) => lines.json(event));
  if (random.chance(0.9)) frames.push(lines.text('[DONE]'));
  return frames;
}

/** The text or the refusal of the model. */
function said(random: Random): object[] {
  const field = random.chance(0.1) ? 'refusal' : 'content';
  return random.pieces(random.text(20)).map((piece) => ({ [field]: piece }));
}

/** The reasoning of the model, as servers with open models send it. */
function reasoning(random: Random): object[] {
  const field = random.pick(['reasoning_content', 'reasoning']);
  return random.pieces(random.text()).map((piece) => ({ [field]: piece }));
}

function toolCallDeltas(random: Random, index: number): object[] {
  const name = random.pick(['lookup', 'refund', 'wetter']);
  // Some servers repeat the name with each piece.
  const again = random.chance(0.2) ? { name } : {};
  return [
    { index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } },
    ...random
      .pieces(random.json())
      .map((piece) => ({ index, function: { ...again, arguments: piece } })),
  ];
}

function randomUsage(random: Random): object {
  const input = random.int(1, 5_000);
  const output = random.int(0, 2_000);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(random.chance(0.7) && {
      prompt_tokens_details: { cached_tokens: random.int(0, input) },
      completion_tokens_details: { reasoning_tokens: random.int(0, output) },
    }),
  };
}
