import type { Random } from '../../support/wire/random.js';
import type { Answer, RandomAnswers, Sent } from './answers.js';
import { countEvents } from './count-events.js';
import type { ClientKind } from './kinds.js';
import { STREAMED_WAYS, WHOLE_WAYS, type StreamedWay, type WholeWay } from './ways.js';

/** What happens to a call besides its answer. */
export type Act =
  | 'none'
  | 'aborted before'
  | 'abort at arrival'
  | 'abort at headers'
  | 'timeout'
  // After some events of a stream:
  | 'break'
  | 'abort'
  | 'abort while reading'
  | 'controller'
  | 'controller while reading'
  | 'cut'
  | 'cut while reading';

/** One exchange, with all that is random in it. */
export interface Plan {
  readonly body: Record<string, unknown>;
  readonly options: Readonly<Record<string, unknown>>;
  /** The answers to the requests; the last one answers all that follow, too. */
  readonly answers: readonly Answer[];
  readonly way: WholeWay | StreamedWay;
  readonly act: Act;
  /** After how many events of a stream the act happens. */
  readonly after: number;
  /** How many bytes that is; 0 if nothing happens after them. */
  readonly bytes: number;
  /** Whether the reader does something else between the act and its next read. */
  readonly isSlow: boolean;
}

/** No other timer has this delay. */
export const TIMEOUT_MS = 54_321;

type Answered = Pick<Plan, 'act' | 'after'> & {
  readonly answer: Answer;
  readonly way?: Plan['way'];
};

/** The ways to read a stream up to a certain place. */
const BY_EVENTS: readonly StreamedWay[] = ['events', 'withResponse', 'bytes'];
const AT_EVENTS = [
  'break',
  'abort',
  'abort while reading',
  'controller',
  'controller while reading',
  'cut',
  'cut while reading',
] as const;

export class Planner {
  constructor(
    private readonly kind: ClientKind,
    private readonly answers: RandomAnswers,
  ) {}

  async plan(random: Random): Promise<Plan> {
    const streaming = this.kind.api !== 'embeddings' && random.chance(0.6);
    const body = { ...this.kind.randomBody(random) };
    delete body['stream'];
    if (streaming) body['stream'] = true;
    const refused = random.chance(0.25) ? random.times(1, 2, () => this.#passing(random)) : [];
    const { answer, act, after, way } = streaming
      ? await this.#streamed(random)
      : this.#whole(random);
    const maxRetries = refused.length + random.pick([0, 0, 1]);
    return {
      body,
      options: {
        maxRetries,
        ...(random.chance(0.2) && { headers: { 'x-mine': 'yes' } }),
        ...(random.chance(0.2) && { query: { mine: random.text(2) } }),
        ...(act === 'timeout' && { timeout: TIMEOUT_MS }),
      },
      answers: [...refused, answer],
      way: way ?? random.pick<Plan['way']>(streaming ? STREAMED_WAYS : WHOLE_WAYS),
      act,
      after,
      bytes: AT_EVENTS.some((one) => one === act) ? lengthOf(answer as Sent) : 0,
      isSlow: random.chance(0.5),
    };
  }

  /** After it, the client asks again; perhaps its body never ends. */
  #passing(random: Random): Answer {
    if (random.chance(0.15)) return 'hang up';
    const refusal = this.answers.refusal(random, true);
    return random.chance(0.3) ? stalling(refusal) : refusal;
  }

  #whole(random: Random): Answered {
    const none = { act: 'none', after: 0 } as const;
    const cut = (answer: Sent): Answered => ({ ...none, answer: cutOff(random, answer) });
    return random.pick<() => Answered>([
      ...Array.from({ length: 6 }, () => () => ({ ...none, answer: this.answers.whole(random) })),
      () => cut(this.answers.whole(random)),
      () => ({
        ...none,
        act: 'abort at headers',
        answer: stalling(cutOff(random, this.answers.whole(random))),
      }),
      ...this.#others(random),
    ])();
  }

  async #streamed(random: Random): Promise<Answered> {
    const none = { act: 'none', after: 0 } as const;
    return random.pick<() => Answered | Promise<Answered>>([
      ...Array.from({ length: 4 }, () => () => ({
        ...none,
        answer: this.answers.streamed(random),
      })),
      ...Array.from({ length: 5 }, () => () => this.#begun(random, false)),
      ...Array.from({ length: 3 }, () => () => this.#begun(random, true)),
      ...this.#others(random),
    ])();
  }

  /** A stream that stops after an event of known number. */
  async #begun(random: Random, hasFault: boolean): Promise<Answered> {
    const answer = this.answers.begun(random, hasFault);
    const { count, failed } = await countEvents(this.kind, answer);
    // Bedrock's client gives an event when the next one arrives.
    const isEnd = this.answers.isFramed || (hasFault && random.chance(0.3));
    if (isEnd) return { answer, act: 'none', after: 0 };
    // The client leaves by itself.
    if (failed) return { answer: stalling(answer), act: 'none', after: 0, way: 'events' };
    return {
      answer: stalling(answer),
      // A reader that has not begun cannot leave.
      act: random.pick(AT_EVENTS.slice(count === 0 ? 1 : 0)),
      after: count,
      way: random.pick(BY_EVENTS.slice(0, lengthOf(answer) === 0 ? 2 : 3)),
    };
  }

  /** What happens to whole and streamed answers. */
  #others(random: Random): (() => Answered)[] {
    const none = { act: 'none', after: 0 } as const;
    const refusal = () => this.answers.refusal(random, random.chance(0.4));
    return [
      () => ({ ...none, answer: refusal() }),
      () => ({ ...none, answer: refusal() }),
      () => ({ ...none, answer: cutOff(random, refusal()) }),
      () => ({ ...none, answer: 'hang up' }),
      () => ({
        ...none,
        answer: 'silence',
        act: random.pick(['aborted before', 'abort at arrival', 'timeout']),
      }),
    ];
  }
}

function lengthOf({ packets }: Sent): number {
  return packets.reduce((sum, { length }) => sum + length, 0);
}

function withoutLength({ headers: { 'content-length': _, ...headers }, ...rest }: Sent): Sent {
  return { ...rest, headers };
}

function stalling(answer: Sent): Sent {
  return { ...withoutLength(answer), ending: 'stall' };
}

/** Some of the answer, and then a lost connection. */
function cutOff(random: Random, answer: Sent): Sent {
  const { packets } = answer;
  const first = packets[0] ?? new Uint8Array();
  const some = [...packets.slice(1), first.subarray(0, random.int(0, first.length))];
  return {
    ...withoutLength(answer),
    packets: some.filter(({ length }) => length > 0),
    ending: 'cut',
  };
}
