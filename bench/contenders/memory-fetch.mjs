// A `fetch` that has the answer ready: what is left of a call is the work around the wire.
import { openAiAnswer } from '../server/openai-wire.mjs';

export function answerFromMemory(chunks) {
  const answer = openAiAnswer(chunks);
  const init = { headers: { 'content-type': 'application/json' } };
  const real = globalThis.fetch;
  globalThis.fetch = () => Promise.resolve(new Response(answer, init));
  return { end: () => void (globalThis.fetch = real) };
}
