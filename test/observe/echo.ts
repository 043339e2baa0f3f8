import { inPieces, json, type Exchange, type Serve } from '../support/wire/index.js';
import { anthropic } from '../support/wire/anthropic.js';
import { openai } from '../support/wire/openai.js';
import { SCRIPTED } from '../support/wire/scripted.js';
import type { WireFormat } from '../support/wire/wire-format.js';

const INPUT_TOKENS = 1_000;
const OUTPUT_TOKENS = 50;

/** The pieces of the answer to a prompt. */
export function echoOf(prompt: string): string[] {
  return ['You are ', prompt, ', ', 'I know.'];
}

/** What the answer to a prompt uses: each number in a prompt has an input of its own. */
export function usageOf(prompt: string) {
  return { inputTokens: INPUT_TOKENS + numberIn(prompt), outputTokens: OUTPUT_TOKENS };
}

/** Answers with the prompt, in the format and the form of the request; a stream in one packet a frame. */
export const echo: Serve = (exchange) => {
  const wire = formatOf(exchange);
  const prompt = promptOf(exchange);
  const streamed = exchange.body['stream'] === true;
  const answer = {
    type: 'answer',
    streamed,
    model: wire.model,
    reasoning: [],
    text: echoOf(prompt),
    toolCalls: [],
    finishReason: 'stop',
    usage: usageOf(prompt),
    ending: 'end',
    packets: 'frames',
  } as const;
  const scripted = SCRIPTED[wire.name];
  if (!streamed) return json(scripted.whole(answer))(exchange);
  const frames = [...scripted.pieces(answer), ...scripted.end(answer)];
  return inPieces(frames.map((frame) => Buffer.from(frame)))(exchange);
};

/** The wire format of a request. */
export function formatOf({ path }: Exchange): WireFormat {
  return path.endsWith('/messages') ? anthropic : openai;
}

/** The question of a request; the tests ask in one message. */
export function promptOf({ body }: Exchange): string {
  const [message] = body['messages'] as [{ content: string }];
  return message.content;
}

function numberIn(prompt: string): number {
  return Number(/\d+/.exec(prompt)?.[0] ?? 0);
}
