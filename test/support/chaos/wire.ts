import { Random } from '../wire/random.js';
import type { Said, WireFormat, WireToolCall } from '../wire/wire-format.js';

/** The tools that the fake models call; one of them is unknown to every agent. */
const TOOLS = ['look', 'slow', 'fail', 'leave', 'leaveStream', 'talk', 'deaf', 'unknown'];
const STATUSES = [400, 401, 404, 408, 429, 500, 503, 529];
const MALFORMED_ARGUMENTS = ['{"id":', '[1', '{id: 1}', 'null', '7', '{"id":"1"}}'];
const FAULTS = [
  'status',
  'no-connection',
  'silence',
  'malformed',
  'cut',
  'lost',
  'stalled',
  'error-event',
  'slow',
  'doubled-index',
] as const;
const FAULT_CHANCE = 0.35;
/** An SDK waits half a second before it retries without this header. */
const SOON = { 'content-type': 'application/json', 'retry-after-ms': '1' };

type Fault = (typeof FAULTS)[number] | undefined;

/** How a body ends after its last packet. */
type Ending = 'end' | 'lost' | 'stalled';

/**
 * An in-memory provider, as the `fetch` of an SDK. A prompt contains `#` and a number; the number, and how many
 * requests had it before, seed the answer and its fault. So the order in which requests arrive changes nothing.
 */
export class ChaosWire {
  readonly #asked = new Map<number, number>();

  constructor(
    private readonly wire: WireFormat,
    private readonly seed: number,
  ) {}

  readonly fetch: typeof globalThis.fetch = async (_input, init) => {
    const signal = init?.signal;
    signal?.throwIfAborted();
    const body = init?.body as string;
    const random = new Random(this.#seedOf(body));
    const fault: Fault = random.chance(FAULT_CHANCE) ? random.pick(FAULTS) : undefined;
    if (fault === 'no-connection') throw new TypeError('fetch failed');
    if (fault === 'silence') return new Promise((_, reject) => onAbort(signal, reject));
    if (fault === 'status') {
      const error = this.wire.error({ type: 'some_error' });
      return Response.json(error, { status: random.pick(STATUSES), headers: SOON });
    }
    const said = randomSaid(random, body);
    return body.includes('"stream":true')
      ? this.#stream(random, said, fault, signal)
      : this.#whole(random, said, fault, signal);
  };

  #seedOf(body: string): number {
    const number = Number(/#(\d+)/.exec(body)?.[1] ?? 0);
    const before = this.#asked.get(number) ?? 0;
    this.#asked.set(number, before + 1);
    return this.seed + number * 977 + before * 31;
  }

  #whole(random: Random, said: Said, fault: Fault, signal?: AbortSignal | null): Response {
    const json = JSON.stringify(this.wire.answer(said));
    const isCut = fault === 'cut' || fault === 'malformed' || fault === 'lost';
    const sent = isCut ? json.slice(0, random.int(1, json.length - 1)) : json;
    const pause = fault === 'slow' ? 3 : 0;
    return bodyOf([sent], endingOf(fault), pause, 'application/json', signal);
  }

  #stream(random: Random, said: Said, fault: Fault, signal?: AbortSignal | null): Response {
    let frames = this.wire.stream(said);
    const at = random.int(0, frames.length - 1);
    if (fault === 'malformed') frames.splice(at, 0, this.wire.malformed);
    if (fault === 'error-event') frames.splice(at, 0, this.wire.streamError({ type: 'api_error' }));
    if (fault === 'doubled-index')
      frames = frames.map((frame) => frame.replace(/"(output_)?index":1/, '"$1index":0'));
    if (fault === 'cut' || fault === 'lost' || fault === 'stalled') frames = frames.slice(0, at);
    const pause = fault === 'slow' ? 2 : 0;
    return bodyOf(frames, endingOf(fault), pause, 'text/event-stream', signal);
  }
}

function endingOf(fault: Fault): Ending {
  return fault === 'lost' || fault === 'stalled' ? fault : 'end';
}

function randomSaid(random: Random, body: string): Said {
  const usage = random.chance(0.1)
    ? null
    : { input: random.int(1, 900), output: random.int(1, 90) };
  const text = body.includes('json_schema') ? random.json() : random.text();
  const calls = body.includes('"tools"') && random.chance(0.6);
  const toolCalls = calls ? random.times(1, 3, (index) => randomCall(random, index)) : [];
  const finish = random.pick([
    undefined,
    undefined,
    undefined,
    'length',
    'content-filter',
  ] as const);
  return { text, toolCalls, usage, ...(finish && { finish }) };
}

function randomCall(random: Random, index: number): WireToolCall {
  const isMalformed = random.chance(0.15);
  const argsText = isMalformed ? random.pick(MALFORMED_ARGUMENTS) : `{"id":"${random.int(1, 99)}"}`;
  return { id: `call_${index}`, name: random.pick(TOOLS), argsText };
}

function bodyOf(
  parts: readonly string[],
  ending: Ending,
  pause: number,
  contentType: string,
  signal: AbortSignal | null | undefined,
): Response {
  const left = parts.map((part) => new TextEncoder().encode(part));
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => onAbort(signal, (reason) => controller.error(reason)),
      async pull(controller) {
        await turns(pause);
        if (signal?.aborted) return;
        const part = left.shift();
        if (part !== undefined) controller.enqueue(part);
        else if (ending === 'end') controller.close();
        else if (ending === 'lost') controller.error(new TypeError('terminated'));
        else await new Promise(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': contentType } });
}

function onAbort(
  signal: AbortSignal | null | undefined,
  listener: (reason: unknown) => void,
): void {
  signal?.addEventListener('abort', () => listener(signal.reason), { once: true });
}

/** Lets everything else proceed for one turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The given number of such turns. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
