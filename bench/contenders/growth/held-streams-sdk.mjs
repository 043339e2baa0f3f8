// Streamed calls of the raw SDK that are open, each after its first chunk: what they hold.
import OpenAI from 'openai';
import { MODELS, PROMPT } from '../question.mjs';
import { fetchInMemory } from './wire-in-memory.mjs';

const BODY = {
  model: MODELS.openai,
  messages: [{ role: 'user', content: PROMPT }],
  stream: true,
  stream_options: { include_usage: true },
};

export const setUp = () => holder(newClient());

export function newClient() {
  const fetch = fetchInMemory({ events: 1, text: ' word', staysOpen: true });
  return new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1', maxRetries: 0, fetch });
}

export function holder(client) {
  let held = [];
  return {
    async run(times) {
      let chunks = 0;
      for (let i = 0; i < times; i++) {
        const stream = await client.chat.completions.create(BODY);
        const reader = stream[Symbol.asyncIterator]();
        const { value } = await reader.next();
        if (value.choices[0].delta.content) chunks++;
        held.push({ stream, reader });
      }
      return { open: held.length, chunks };
    },
    async release() {
      for (const { stream, reader } of held) {
        stream.controller.abort();
        await reader.return();
      }
      held = [];
    },
    close: () => undefined,
  };
}
