// One long answer, read by the raw SDK: what is alive while it lasts.
import OpenAI from 'openai';
import { MODELS, PROMPT } from '../question.mjs';
import { fetchInMemory } from './wire-in-memory.mjs';

const BODY = {
  model: MODELS.openai,
  messages: [{ role: 'user', content: PROMPT }],
  stream: true,
  stream_options: { include_usage: true },
};

export function setUp({ events, characters, looks }) {
  const fetch = fetchInMemory({ events, text: 'x'.repeat(characters) });
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1', maxRetries: 0, fetch });
  const between = Math.ceil(events / looks);
  return {
    async run(times, look) {
      let read = 0;
      let chunks = 0;
      for await (const { choices } of await client.chat.completions.create(BODY)) {
        const text = choices[0]?.delta.content;
        if (!text) continue;
        read += text.length;
        if (++chunks % between === 0) await look?.();
      }
      return { streams: times, characters: read, chunks };
    },
    close: () => undefined,
  };
}
