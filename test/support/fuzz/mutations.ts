import { Packets } from '../wire/memory-wire.js';
import { randomPackets } from '../wire/random-lines.js';
import type { Random } from '../wire/random.js';
import { mutateJson, writeJson } from './mutate-json.js';
import { mutateEvents, writeEvents } from './mutate-stream.js';
import type { Samples } from './samples.js';

/** A changed answer: a description of the change, and the resulting bytes. */
export interface Mutation {
  readonly done: readonly string[];
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export type Kind = 'whole' | 'streamed';

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
const OTHER_TYPES = [JSON_TYPE, STREAM_TYPE, 'text/event-stream; charset=utf-8', 'text/plain', ''];

/** Creates a mutation of a sample with one to four changes. */
export function mutate(random: Random, { answers, streams }: Samples, kind: Kind): Mutation {
  const done: string[] = [];
  const isStream = (kind === 'streamed') !== random.chance(0.06);
  let text = isStream ? streamText(random, streams, done) : answerText(random, answers, done);
  if (random.chance(0.03)) {
    text = text.slice(0, random.int(0, text.length));
    done.push('cut');
  }
  let contentType = kind === 'streamed' ? STREAM_TYPE : JSON_TYPE;
  if (random.chance(0.1)) {
    contentType = random.pick(OTHER_TYPES);
    done.push(`content type "${contentType}"`);
  }
  const bytes = Buffer.from(text);
  if (bytes.length > 0 && random.chance(0.03)) {
    bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
    done.push('another byte');
  }
  return { done, bytes, contentType };
}

/** The mutation as an answer to a request, in one packet or in several. */
export function toResponse(random: Random, { bytes, contentType }: Mutation): Response {
  if (bytes.length > 1 && random.chance(0.1))
    return new Packets(randomPackets(random, bytes), 'end', contentType).response();
  return new Response(bytes, { headers: { 'content-type': contentType } });
}

function answerText(random: Random, answers: Samples['answers'], done: string[]): string {
  const root = { value: structuredClone(random.pick(answers)) };
  for (let left = random.pick([1, 1, 2, 4]); left > 0; left--) done.push(mutateJson(random, root));
  return writeJson(random, root.value);
}

function streamText(random: Random, streams: Samples['streams'], done: string[]): string {
  const events = [...random.pick(streams)];
  for (let left = random.pick([1, 1, 2, 4]); left > 0; left--)
    done.push(mutateEvents(random, events, random.pick(streams)));
  return writeEvents(random, events);
}
