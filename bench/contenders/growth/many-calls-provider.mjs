// The calls of `many-calls-ours.mjs`, of the provider itself.
import { PiecesProvider } from '../pieces-provider.mjs';
import { PROMPT, repeat } from '../question.mjs';

export function setUp({ streaming, chunks }) {
  const provider = new PiecesProvider();
  provider.count = chunks;
  const ask = () => (streaming ? stream(provider) : generate(provider));
  return { run: (times) => repeat(times, ask), close: () => undefined };
}

async function generate(provider) {
  const { usage } = await provider.generate(PROMPT);
  return { calls: 1, tokens: usage.totalTokens };
}

async function stream(provider) {
  let chunks = 0;
  let tokens;
  for await (const item of provider.stream(PROMPT)) {
    if (item.type === 'text') chunks++;
    tokens = item.usage?.totalTokens;
  }
  return { calls: 1, chunks, tokens };
}
