import type { LimitRefusal } from './limit-store.js';

/** A waiting call, and what it waits for. */
interface Waiter<T> {
  /** Tries to reserve; a refusal blocks the line. */
  attempt(): Promise<T | LimitRefusal>;
  /** Called once if the call has to wait: others are before it, or its first attempt was refused. */
  readonly onWait: () => void;
  /** Creates the error of a call that cannot wait: the line is full, or the wait would never end. */
  readonly refuse: (refusal: LimitRefusal, isFull: boolean) => Error;
  /** Fires when the call is aborted. */
  readonly signal: AbortSignal;
}

interface Place extends Pick<Waiter<unknown>, 'refuse'> {
  /** Called when it is the first in line; with an error if it has to leave. */
  call(error?: Error): void;
  readonly called: Promise<void>;
}

interface Line {
  readonly places: Place[];
  /** Why the first one has to wait. */
  blockedBy?: LimitRefusal | undefined;
  /** Lets the first one try again. */
  wake?: (() => void) | undefined;
}

/** The maximum wait before the store is called again: other processes release, admins reset. */
const POLL_MS = 250;
const SLOW_POLL_MS = 5_000;
/** So that processes that wait for the same limit do not call the store at the same time. */
const JITTER = 0.2;
/** How many lines are woken at once; the others try again within `POLL_MS`. */
const MAX_WOKEN = 16;

/** Queues waiting calls, in the order of arrival for each key. */
export class WaitQueue {
  readonly #lines = new Map<string, Line>();
  /** Counts the releases. */
  #releases = 0;

  /** Resolves when the call's turn has come and its attempt succeeds. */
  async enter<T extends { granted: true }>(
    key: string,
    maxQueue: number,
    waiter: Waiter<T>,
  ): Promise<T> {
    waiter.signal.throwIfAborted();
    const line = this.#lines.get(key) ?? { places: [] };
    this.#lines.set(key, line);
    if (line.blockedBy && line.places.length >= maxQueue) throw waiter.refuse(line.blockedBy, true);
    const place = newPlace(waiter.refuse);
    const leave = (): void => place.call(waiter.signal.reason as Error);
    waiter.signal.addEventListener('abort', leave);
    try {
      line.places.push(place);
      const isFirst = line.places[0] === place;
      if (isFirst) place.call();
      else waiter.onWait();
      await place.called;
      return await this.#try(line, maxQueue, waiter, isFirst ? waiter.onWait : undefined);
    } finally {
      waiter.signal.removeEventListener('abort', leave);
      this.#leave(key, line, place);
    }
  }

  /** Called after a release: the calls that have waited longest try again. */
  wake(): void {
    this.#releases++;
    for (const { wake } of [...this.#lines.values()].slice(0, MAX_WOKEN)) wake?.();
  }

  async #try<T extends { granted: true }>(
    line: Line,
    maxQueue: number,
    waiter: Waiter<T>,
    onWait: (() => void) | undefined,
  ): Promise<T> {
    let isNoted = onWait === undefined;
    for (;;) {
      waiter.signal.throwIfAborted();
      const releases = this.#releases;
      const outcome = await waiter.attempt();
      if (outcome.granted) return outcome;
      waiter.signal.throwIfAborted();
      if (outcome.retryAfterMs === undefined && outcome.reserved === 0)
        throw waiter.refuse(outcome, false);
      if (maxQueue === 0) throw waiter.refuse(outcome, true);
      line.blockedBy = outcome;
      if (!isNoted) onWait?.();
      isNoted = true;
      for (const place of line.places.splice(maxQueue)) place.call(place.refuse(outcome, true));
      if (releases === this.#releases) await pause(line, outcome, waiter.signal);
    }
  }

  #leave(key: string, line: Line, place: Place): void {
    const index = line.places.indexOf(place);
    if (index >= 0) line.places.splice(index, 1);
    if (index === 0) {
      line.blockedBy = undefined;
      line.places[0]?.call();
    }
    if (line.places.length === 0 && this.#lines.get(key) === line) this.#lines.delete(key);
  }
}

function newPlace(refuse: Place['refuse']): Place {
  let call!: Place['call'];
  const called = new Promise<void>((resolve, reject) => {
    call = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { call, called, refuse };
}

async function pause(
  line: Line,
  { retryAfterMs = Infinity, reserved }: LimitRefusal,
  signal: AbortSignal,
): Promise<void> {
  const ms = Math.min(retryAfterMs, reserved > 0 ? POLL_MS : SLOW_POLL_MS);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => line.wake?.(), ms * (1 + Math.random() * JITTER));
    line.wake = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', line.wake!);
      line.wake = undefined;
      resolve();
    };
    signal.addEventListener('abort', line.wake);
  });
}
