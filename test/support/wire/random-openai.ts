import type { Random } from './random.js';

const chunk = (choices: object[], rest: object): object => ({
  id: 'chatcmpl-7',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-mini-2024-07-18',
  choices,
  ...rest,
});

/** The bytes of a random stream of a chat completion. */
export function randomChatStream(random: Random): Buffer {
  const usage = random.chance(0.5) ? {} : { usage: null };
  const delta = (of: object, finish: string | null = null, index = 0) =>
    chunk([{ index, delta: of, logprobs: null, finish_reason: finish }], usage);
  const calls = random.times(0, 3, (index) => toolCallDeltas(random, index));
  const chunks = [
    delta({ role: 'assistant', content: random.pick(['', null]) }),
    ...random.pieces(random.text(20)).map((content) => delta({ content })),
    ...interleave(random, calls).map((call) => delta({ tool_calls: [call] })),
  ];
  if (random.chance(0.1))
    chunks.push(delta({ role: 'assistant', content: 'Another choice.' }, 'stop', 1));
  chunks.push(
    delta({}, calls.length > 0 ? 'tool_calls' : random.pick(['stop', 'length', 'content_filter'])),
  );
  if (random.chance(0.8)) chunks.push(chunk([], { usage: randomUsage(random) }));

  const lineEnd = random.pick(['\n', '\r\n']);
  const events = chunks.map((event) => {
    const json = JSON.stringify(event, null, random.chance(0.1) ? 1 : 0);
    return random.event(json, undefined, lineEnd);
  });
  if (random.chance(0.9)) events.push(random.event('[DONE]', undefined, lineEnd));
  return Buffer.from(events.join(''));
}

function toolCallDeltas(random: Random, index: number): object[] {
  const name = random.pick(['lookup', 'refund', 'wetter']);
  // Some servers say the name again with each piece.
  const again = random.chance(0.2) ? { name } : {};
  return [
    { index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } },
    ...random
      .pieces(random.json())
      .map((piece) => ({ index, function: { ...again, arguments: piece } })),
  ];
}

/** The lists as one, each in its own order. */
function interleave<T>(random: Random, lists: T[][]): T[] {
  const mixed: T[] = [];
  const isMixed = random.chance(0.3);
  for (let left = lists.filter(isFull); left.length > 0; left = left.filter(isFull))
    mixed.push((isMixed ? random.pick(left) : left[0]!).shift()!);
  return mixed;
}

function isFull(list: readonly unknown[]): boolean {
  return list.length > 0;
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
