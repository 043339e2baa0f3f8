import { randomAnswer } from '../histories/random-answers.js';
import type { Api } from '../histories/captured-wire.js';
import { RandomLines } from '../wire/random-lines.js';
import { randomMessageStream } from '../wire/random-anthropic.js';
import { randomChatStream } from '../wire/random-openai.js';
import { randomResponseStream } from '../wire/random-responses.js';
import type { Random } from '../wire/random.js';
import { readCases, type CaseResponse } from '../../wire-cases/read-case.js';
import type { FuzzEvent } from './mutate-stream.js';
import { parseStream } from './parse-stream.js';
import { RICH_ANSWERS } from './rich-answers.js';
import { richMessageStream } from './rich-streams.js';

/** Answers of one wire format that mutations start from. */
export interface Samples {
  readonly answers: readonly unknown[];
  readonly streams: readonly (readonly FuzzEvent[])[];
}

const RANDOM_STREAMS: Readonly<Record<Api, (random: Random, lines: RandomLines) => string[]>> = {
  chat: randomChatStream,
  responses: randomResponseStream,
  anthropic: randomMessageStream,
};
const RANDOM_COUNT = 60;

/** Collects answers of servers: the recorded answers of the cases, random ones, and some with nearly all fields. */
export function samplesOf(api: Api, random: Random): Samples {
  const recorded = recordedBy(api);
  const bodies = recorded.filter(({ headers }) => !isStream(headers)).map(({ body }) => body);
  const made = Array.from({ length: RANDOM_COUNT }, () => randomAnswer(random, api, api));
  const streams = recorded.filter(({ headers }) => isStream(headers)).map(({ body }) => body);
  const written = Array.from({ length: RANDOM_COUNT }, () => randomStream(api, random));
  const rich = api === 'anthropic' ? [richMessageStream()] : [];
  return {
    answers: [...bodies.flatMap(parsed), ...made, ...repeated<unknown>(RICH_ANSWERS[api])],
    streams: [
      ...[...streams, ...written].map(parseStream).filter(({ length }) => length > 0),
      ...repeated(rich),
    ],
  };
}

/** They are few, with more places to mutate than the others. */
function repeated<T>(list: readonly T[]): T[] {
  return Array.from({ length: 10 }, () => list).flat();
}

function recordedBy(api: Api): CaseResponse[] {
  const all = [...readCases('cases'), ...readCases('siblings')];
  const servers = all.flatMap((given) => [given, ...Object.values(given.clients ?? {})]);
  return servers
    .filter((server) => server.api === api)
    .flatMap(({ responses = [] }) => responses)
    .filter(({ status }) => status === 200);
}

function isStream(headers: CaseResponse['headers']): boolean {
  return Object.values(headers).some((value) => value.startsWith('text/event-stream'));
}

function parsed(body: string): unknown[] {
  try {
    return [JSON.parse(body)];
  } catch {
    return [];
  }
}

/** A short one: longer ones only cost time. */
function randomStream(api: Api, random: Random): string {
  for (;;) {
    const frames = RANDOM_STREAMS[api](random, new RandomLines(random, ['\n']));
    if (frames.length <= 30) return frames.join('');
  }
}
