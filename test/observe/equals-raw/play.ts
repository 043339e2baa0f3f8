import { defer, type Deferred } from '../../support/wire/defer.js';
import { fetchInRealm } from '../../support/wire/sdk-clients.js';
import type { Exchange, WireServer } from '../../support/wire/server.js';
import type { Answer } from './answers.js';
import type { Resource } from './kinds.js';
import { TIMEOUT_MS, type Plan } from './plan.js';
import { shapeOfError } from './shapes.js';
import { makeCall, type Turn } from './ways.js';

/** What an exchange was for the caller and for the server. */
export interface Outcome {
  readonly got: readonly unknown[];
  readonly thrown: unknown;
  readonly requests: readonly unknown[];
  /** Whether the caller had left, of the answers that have no end. */
  readonly aborted: readonly unknown[];
}

/** How long anything may take before it counts as a hang. */
const LIMIT_MS = 15_000;

/** Rejects when the work does not settle in time. */
export async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It hangs: ${what}.`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The requests of one exchange at a time, by a raw or an observed client. */
export class Stage {
  #onHeaders: (() => void) | undefined;
  /** The timers of the SDK for requests in flight. */
  readonly timers: (() => void)[] = [];

  constructor(private readonly server: WireServer) {}

  /** The `fetch` of both clients. */
  readonly fetch: typeof fetch = async (input, init) => {
    const response = await fetchInRealm(input, init);
    this.#onHeaders?.();
    return response;
  };

  async play(plan: Plan, resource: Resource): Promise<Outcome> {
    const { act, answers } = plan;
    const { exchanges } = this.server;
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    const released = defer<void>();
    const first = exchanges.length;
    const cut = async () => {
      released.resolve();
      await within(exchanges.at(-1)!.aborted, 'the cut of the connection');
    };
    this.server.discardAnswers();
    this.server.answers(
      ...Array.from({ length: 8 }, () => async (exchange: Exchange) => {
        if (act === 'abort at arrival') abort();
        if (act === 'timeout' && answerAt(plan, exchanges.length - first - 1) === 'silence')
          this.timers.pop()?.();
        await serve(exchange, answerAt(plan, exchanges.length - first - 1), released);
      }),
    );
    this.#onHeaders =
      act === 'abort at headers' ? () => void setImmediate(() => abort()) : undefined;
    if (act === 'aborted before') abort();

    const turn: Turn = { plan, got: [], abort, cut };
    const options = { ...plan.options, signal: aborter.signal };
    const calling = (async () => makeCall(resource, turn, options))();
    const thrown = await within(calling, `the caller, who got ${turn.got.length} results`).then(
      () => undefined,
      shapeOfErrorUnlessHang,
    );
    const made = exchanges.slice(first);
    const endless = made.filter((_, i) => hasNoEnd(answers, i) && !act.startsWith('cut'));
    const aborted = await within(
      Promise.all(endless.map((one) => one.aborted)),
      'the request at the server',
    );
    return { got: turn.got, thrown, requests: made.map(shapeOfRequest), aborted };
  }
}

function shapeOfErrorUnlessHang(error: unknown): unknown {
  if (error instanceof Error && error.message.startsWith('It hangs')) throw error;
  return shapeOfError(error);
}

function answerAt({ answers }: Plan, index: number): Answer {
  return answers[Math.min(index, answers.length - 1)]!;
}

function hasNoEnd(answers: readonly Answer[], index: number): boolean {
  const answer = answers[Math.min(index, answers.length - 1)]!;
  return answer === 'silence' || (answer !== 'hang up' && answer.ending === 'stall');
}

async function serve(
  { response }: Exchange,
  answer: Answer,
  released: Deferred<void>,
): Promise<void> {
  response.sendDate = false;
  if (answer === 'silence') return;
  if (answer === 'hang up') {
    response.socket?.destroy();
    return;
  }
  const { status, headers, packets, ending } = answer;
  response.writeHead(status, headers).flushHeaders();
  response.socket?.setNoDelay(true);
  for (const packet of packets) {
    response.write(packet);
    await new Promise(setImmediate);
  }
  if (ending === 'end') response.end();
  else if (ending === 'cut') response.socket?.end();
  else void released.promise.then(() => response.socket?.destroy());
}

/** Without what differs in each call: the key that makes a retry idempotent. */
function shapeOfRequest({ path, headers, text }: Exchange): unknown {
  const key = headers['idempotency-key'];
  const isRandom = typeof key === 'string' && key.startsWith('stainless-node-retry-');
  return { path, headers: { ...headers, ...(isRandom && { 'idempotency-key': 'random' }) }, text };
}

/** Notes the timers of the SDKs' timeouts, which a test lets expire. */
export function noteTimers(stage: Stage, original: typeof setTimeout): typeof setTimeout {
  return ((callback: () => void, delay?: number, ...rest: []) => {
    if (delay === TIMEOUT_MS) stage.timers.push(callback);
    return original(callback, delay, ...rest);
  }) as typeof setTimeout;
}
