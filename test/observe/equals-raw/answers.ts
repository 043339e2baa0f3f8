import { mutateJson, writeJson } from '../../support/fuzz/mutate-json.js';
import { mutate } from '../../support/fuzz/mutations.js';
import { samplesOf, type Samples } from '../../support/fuzz/samples.js';
import { randomAnswer } from '../../support/histories/random-answers.js';
import { anthropic } from '../../support/wire/anthropic.js';
import { OTHER_FORMS, REFUSED } from '../../support/wire/error-bodies.js';
import { AWS_EVENT_STREAM, framesOf } from '../../support/wire/event-stream.js';
import { openai } from '../../support/wire/openai.js';
import { randomMessageStream } from '../../support/wire/random-anthropic.js';
import { ERROR_FORMS, malformed, REPORTED_ERRORS } from '../../support/wire/random-faults.js';
import { RandomLines, randomPackets } from '../../support/wire/random-lines.js';
import { randomChatStream } from '../../support/wire/random-openai.js';
import { randomResponseStream } from '../../support/wire/random-responses.js';
import { Random } from '../../support/wire/random.js';
import { responses } from '../../support/wire/responses.js';
import type { WireFormat } from '../../support/wire/wire-format.js';
import type { ClientKind } from './kinds.js';

/** What follows the bytes of an answer: its end, a lost connection, or nothing. */
export type Ending = 'end' | 'cut' | 'stall';

/** The bytes of an answer. */
export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly packets: readonly Uint8Array[];
  readonly ending: Ending;
}

/** How a server answers one request. */
export type Answer = Sent | 'silence' | 'hang up';

type Headers = Record<string, string>;

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM_TYPE = { 'content-type': 'text/event-stream' };
/** Statuses after which the SDKs ask again. */
const PASSING = [408, 409, 429, 500, 502, 503, 529];
const FINAL = [400, 401, 403, 404, 413, 422];
const BODIES = [...OTHER_FORMS, ...REFUSED].map(({ body }) => body);

interface Format {
  readonly wire: WireFormat;
  readonly frames: (random: Random, lines: RandomLines) => string[];
}

const FORMATS: Readonly<Record<ClientKind['api'], Format>> = {
  chat: { wire: openai, frames: randomChatStream },
  responses: { wire: responses, frames: randomResponseStream },
  anthropic: { wire: anthropic, frames: randomMessageStream },
  embeddings: { wire: openai, frames: () => [] },
};

/** Random answers to the requests of one kind. */
export class RandomAnswers {
  readonly #samples: Samples | undefined;

  constructor(private readonly kind: ClientKind) {
    const { api } = kind;
    this.#samples = api === 'embeddings' ? undefined : samplesOf(api, new Random(1));
  }

  whole(random: Random): Sent {
    const { api } = this.kind;
    if (api === 'embeddings') return sent(random, vectors(random), JSON_TYPE);
    if (random.chance(0.5)) {
      const text = JSON.stringify(randomAnswer(random, api, api));
      return sent(random, Buffer.from(text), JSON_TYPE);
    }
    const { bytes, contentType } = mutate(random, this.#samples!, 'whole');
    return sent(random, bytes, { 'content-type': contentType });
  }

  streamed(random: Random): Sent {
    if (random.chance(0.6)) {
      const lines = new RandomLines(random, this.isFramed ? ['\n'] : undefined);
      const all = FORMATS[this.kind.api].frames(random, lines);
      return this.#stream(random, this.isFramed ? all.join('') : lines.stream(all));
    }
    const { bytes, contentType } = mutate(random, this.#samples!, 'streamed');
    return sent(random, bytes, { 'content-type': contentType });
  }

  /** The first events of a stream, then perhaps one that is an error or is not JSON. */
  begun(random: Random, hasFault: boolean): Sent {
    const { wire, frames } = FORMATS[this.kind.api];
    // Each event is complete with its last byte.
    const lines = new RandomLines(random, ['\n']);
    const all = frames(random, lines);
    const first = all.slice(0, random.int(0, all.length - 2));
    if (hasFault) {
      const { says } = random.pick(REPORTED_ERRORS);
      const fault = random.chance(0.6)
        ? random.pick(ERROR_FORMS[wire.name]).frame(lines, wire, says)
        : malformed(wire, random, lines);
      first.push(fault);
    }
    return this.#stream(random, first.join(''));
  }

  /** Whether streams have the framing of AWS. */
  get isFramed(): boolean {
    return this.kind.cloud?.cloud === 'bedrock';
  }

  #stream(random: Random, text: string): Sent {
    return this.isFramed
      ? sent(random, framesOf(text), { 'content-type': AWS_EVENT_STREAM })
      : sent(random, Buffer.from(text), STREAM_TYPE);
  }

  /** A refusal: of which the SDKs ask again, or not. */
  refusal(random: Random, isPassing: boolean): Sent {
    const { wire } = FORMATS[this.kind.api];
    const { says } = random.pick(REPORTED_ERRORS);
    const text = random.pick<() => string>([
      () => JSON.stringify(wire.error(says)),
      () => JSON.stringify(wire.error({ ...says, message: random.text() })),
      () => JSON.stringify(random.pick(BODIES)),
      () => '<html><body>502 Bad Gateway</body></html>',
      () => '{"error":',
      () => '',
    ])();
    const headers = {
      'content-type': random.pick(['application/json', 'text/html', 'text/plain']),
      ...(random.chance(0.3) && { 'retry-after-ms': '1' }),
      ...(!isPassing && random.chance(0.1) && { 'x-should-retry': 'false' }),
    };
    const status = random.pick(isPassing ? PASSING : FINAL);
    return { ...sent(random, Buffer.from(text), headers), status };
  }
}

function sent(random: Random, bytes: Uint8Array, headers: Headers): Sent {
  const packets = bytes.length > 1 && random.chance(0.5) ? randomPackets(random, bytes) : [bytes];
  const requestId = random.chance(0.7) && { 'x-request-id': 'req_1', 'request-id': 'req_1' };
  const length = random.chance(0.3) && { 'content-length': String(bytes.length) };
  return {
    status: 200,
    headers: { ...headers, ...requestId, ...length },
    packets: packets.filter(({ length: size }) => size > 0),
    ending: 'end',
  };
}

function vectors(random: Random): Uint8Array {
  const data = random.times(1, 3, (index) => {
    const vector = random.times(0, 8, () => random.next());
    const base64 = Buffer.from(new Float32Array(vector).buffer).toString('base64');
    return { object: 'embedding', index, embedding: random.chance(0.5) ? vector : base64 };
  });
  const usage = { prompt_tokens: random.int(0, 100), total_tokens: random.int(0, 100) };
  const root: { value: unknown } = { value: { object: 'list', data, model: 'e', usage } };
  if (random.chance(0.4)) mutateJson(random, root);
  return Buffer.from(writeJson(random, root.value));
}
