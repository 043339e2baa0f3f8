import type { Fixture } from '@copilotkit/aimock';
import { MOCK_CLERK } from './mock-clerk.js';
import { MOCK_NOTES } from './mock-notes.js';

/** How the mock types: milliseconds to the first words, then tokens per second. */
const TYPING = { streamingProfile: { ttft: 120, tps: 50, jitter: 0 }, chunkSize: 12 };

interface KnownQuestion {
  asked: RegExp;
  topic: string;
  answer: string;
  /** Tokens, about as many as the real models count. */
  tokens: { triage: number; question: number; answer: number };
}

const KNOWN_QUESTIONS: KnownQuestion[] = [
  {
    asked: /order 1042/i,
    topic: 'shipping',
    answer: 'Order 1042 left our warehouse this morning and reaches you on Friday.',
    tokens: { triage: 64, question: 96, answer: 18 },
  },
  {
    asked: /refund|money back/i,
    topic: 'billing',
    answer:
      'Send the item back within 30 days. We return the money to the card that you paid with, ' +
      'two to three working days after the parcel is here.',
    tokens: { triage: 61, question: 93, answer: 34 },
  },
  {
    asked: /manual|instructions/i,
    topic: 'product',
    answer:
      'The manual is printed on the inside of the lid. First unscrew the four feet, then turn the ' +
      'box over, then lift the lid. Page one explains the display, page two the alarm, page three ' +
      'the battery, and the last page says where to find spare parts.',
    tokens: { triage: 60, question: 92, answer: 61 },
  },
  {
    asked: /./s,
    topic: 'other',
    answer: 'Thank you for writing. A colleague reads your question and answers within a day.',
    tokens: { triage: 60, question: 92, answer: 17 },
  },
];

/**
 * The answers of both models: Anthropic's sorts a question, OpenAI's answers it, runs the agent or writes notes. The
 * first match wins.
 */
export function mockFixtures(): Fixture[] {
  return [MOCK_CLERK, ...MOCK_NOTES, ...KNOWN_QUESTIONS.flatMap(toFixtures)];
}

function toFixtures({ asked, topic, answer, tokens }: KnownQuestion): Fixture[] {
  return [
    {
      match: { userMessage: asked, model: /^claude/ },
      response: { content: topic, usage: { input_tokens: tokens.triage, output_tokens: 4 } },
    },
    {
      match: { userMessage: asked, model: /^gpt/ },
      response: {
        content: answer,
        usage: { prompt_tokens: tokens.question, completion_tokens: tokens.answer },
      },
      ...TYPING,
    },
  ];
}
