import type { ContentPart, LlmRequest, Message } from 'nestjs-llm-callbacks';
import { ANTHROPIC_ID } from '../../../src/llm/providers/anthropic/messages-block.js';
import { MessagesDecoder } from '../../../src/llm/providers/anthropic/messages-decoder.js';
import {
  OPENING,
  partsOf,
  toHistory,
  withoutImages,
} from '../../../src/llm/providers/shared/history.js';
import type { Random } from '../wire/random.js';
import { randomAnswer } from './random-answers.js';
import { RandomHistory } from './random-history.js';

const SCHEMAS = [
  {
    type: 'object',
    properties: { city: { type: 'string', minLength: 2 }, days: { type: 'integer' } },
    required: ['city'],
    additionalProperties: false,
  },
  // Structured outputs cannot express it, so it is sent in words.
  { type: 'object', additionalProperties: true },
];

/** A request for Anthropic with any conversation that its encoder accepts. */
export function randomRequest(random: Random, answers: readonly Message[]): LlmRequest {
  const history = new RandomHistory(random, answers).make();
  if (history.mayBeRefused) return randomRequest(random, answers);
  return {
    model: 'claude-haiku-4-5',
    messages: [...history.messages],
    ...(random.chance(0.5) && { system: `system ${random.text(3)}` }),
    ...(random.chance(0.5) && { tools: random.times(1, 3, (i) => randomTool(random, i)) }),
    ...(random.chance(0.5) && {
      toolChoice: random.pick(['auto', 'none', 'required', { name: 'tool-0' }] as const),
    }),
    ...(random.chance(0.5) && { temperature: random.pick([0, 0.5, 1]) }),
    ...(random.chance(0.5) && { maxOutputTokens: random.int(1, 9_999) }),
    ...(random.chance(0.5) && { stop: random.times(1, 2, (i) => `stop ${i}`) }),
    ...(random.chance(0.5) && { schema: random.pick(SCHEMAS) }),
    ...(random.chance(0.5) && {
      providerOptions: { top_k: 5, thinking: { type: 'enabled', budget_tokens: 2_048 } },
    }),
  };
}

function randomTool(random: Random, index: number) {
  return {
    name: `tool-${index}`,
    ...(random.chance(0.5) && { description: random.text(3) }),
    ...(random.chance(0.7) && { parameters: random.pick(SCHEMAS) }),
  };
}

/** The messages of Anthropic's answers, some with thinking, searches, or a container. */
export function answeredMessages(random: Random, count: number): Message[] {
  return Array.from({ length: count }, () => {
    const decoder = new MessagesDecoder('anthropic', 'claude-haiku-4-5', {
      collect: true,
      onModel: () => undefined,
      onUsage: () => undefined,
    });
    const container = random.chance(0.1) && { container: { id: `container_${random.int(1, 9)}` } };
    const answer = randomAnswer(random, 'anthropic', 'anthropic');
    decoder.pushWhole({ ...answer, ...container }, []);
    return decoder.result().message;
  });
}

/**
 * What a conversation without opaque blocks contains once it is sent, in its order: a line for each text and image, each
 * call and each result. Texts of the assistant that follow each other are one line.
 */
export function linesOf(messages: readonly Message[]): string[] {
  const history = toHistory(messages, { fits: ANTHROPIC_ID, length: 24, uniqueIn: 'conversation' });
  const lines: string[] = [];
  for (const { role, content, calls } of history) {
    if (role === 'user') lines.push(...partsOf(content).map((part) => `user: ${lineOf(part)}`));
    if (role === 'assistant') addTexts(lines, partsOf(withoutImages(content)).map(lineOf).join(''));
    for (const { id, name, args } of calls) lines.push(`call: ${JSON.stringify([id, name, args])}`);
    for (const { id, result } of calls)
      lines.push(`result: ${JSON.stringify([id, ...partsOf(result).map(lineOf)])}`);
  }
  const first = lines[0] ?? '';
  if (!first.startsWith('user: ')) lines.unshift(`user: ${OPENING}`);
  // A last turn of the assistant loses its white space at the end.
  if (lines.at(-1)!.startsWith('assistant: ')) lines.push(lines.pop()!.trimEnd());
  return lines;
}

function addTexts(lines: string[], text: string): void {
  if (text === '') return;
  const isMore = lines.at(-1)?.startsWith('assistant: ') === true;
  lines.push(isMore ? lines.pop()! + text : `assistant: ${text}`);
}

function lineOf(part: ContentPart): string {
  if (part.type === 'text') return part.text;
  if ('url' in part) return part.url;
  return `data:${part.mediaType};base64,${Buffer.from(part.data).toString('base64')}`;
}
