import { AssertionError } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { CallbacksConfigurationError } from '../../index.js';
import { optionNames, unknownOption, type OptionNames } from '../../util/known-options.js';

/** The two functions of a test runner that a kit needs; those of Jest, Vitest, Mocha and `node:test` fit. */
export interface TestRunner {
  /** Groups tests. */
  describe(title: string, tests: () => void): unknown;
  /** Registers a test. */
  it(title: string, test: () => Promise<void>): unknown;
}

/** What all kits take besides the facts about their subject. */
export interface KitOptions {
  /** The title of the group of tests. */
  title?: string;
  /**
   * The functions of the test runner, where they are imported: `import { describe, it } from 'node:test'`.
   * @default the global `describe` and `it`
   */
  runner?: TestRunner;
  /**
   * How long a test waits for what must happen, in milliseconds. Keep it below the timeout of the runner, so that a
   * failure says what did not happen.
   * @default 4_000
   */
  timeoutMs?: number;
}

/** The names of the options of a kit. */
export function kitOptionNames<O extends KitOptions>(
  own: Record<Exclude<keyof O, keyof KitOptions> & string, true>,
): OptionNames {
  const common = { title: true, runner: true, timeoutMs: true } as const;
  return optionNames<O>({ ...common, ...own } as Record<keyof O & string, true>);
}

const PATIENCE_MS = 4_000;
const POLL_MS = 5;

/** A stream that a test reads. */
export interface StreamReading<T> {
  /** The next item; `undefined` at the end. */
  next(): Promise<T | undefined>;
  leave(): Promise<void>;
}

/** Registers one test for each rule of an interface; a failure names the rule, and where it is documented. */
export class Kit {
  readonly #runner: TestRunner;
  readonly #title: string;
  readonly #timeoutMs: number;

  /** @throws CallbacksConfigurationError without a test runner, and for options of a wrong type */
  constructor(
    private readonly name: string,
    private readonly port: string,
    make: unknown,
    options: KitOptions,
    known: OptionNames,
  ) {
    const unknown = unknownOption(options, known);
    if (unknown !== undefined) this.refuse(`has no ${unknown}`);
    const { title = port, runner = globalRunner(name), timeoutMs = PATIENCE_MS } = options;
    if (typeof make !== 'function')
      this.refuse(`needs as its first argument a function that makes a new ${port} for each test`);
    if (typeof title !== 'string' || title === '') this.refuse('needs a text as its `title`');
    if (!isRunner(runner)) this.refuse('needs a `runner` with the functions `describe` and `it`');
    if (!(Number.isFinite(timeoutMs) && timeoutMs > 0))
      this.refuse('needs a positive number of milliseconds as its `timeoutMs`');
    this.#runner = runner;
    this.#title = title;
    this.#timeoutMs = timeoutMs;
  }

  /** Registers the tests that `tests` adds with {@link rule}, as one group. */
  register(tests: () => void): void {
    this.#runner.describe(this.#title, tests);
  }

  /** Adds a test of a rule that is documented at a member of the interface. */
  rule(member: string, rule: string, test: () => Promise<void>): void {
    const place = `${this.port}.${member}`;
    this.#runner.it(`${member}: ${rule}`, async () => {
      try {
        await test();
      } catch (error) {
        throw brokenRule(place, rule, error);
      }
    });
  }

  /** Polls until `check` returns a value other than `undefined` and `false`; fails with what it waited for. */
  async eventually<T>(
    what: string,
    check: () => T | false | undefined | Promise<T | false | undefined>,
  ): Promise<T> {
    const until = performance.now() + this.#timeoutMs;
    for (;;) {
      const found = await check();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > until) throw new Error(this.#late(what));
      await delay(POLL_MS);
    }
  }

  /** Awaits a promise that must settle; fails with what it waited for. */
  async inTime<T>(what: string, promise: PromiseLike<T>): Promise<T> {
    const stop = new AbortController();
    const late = delay(this.#timeoutMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(this.#late(what));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      stop.abort();
      late.catch(() => undefined);
    }
  }

  /** Reads a stream item by item, each in time. */
  reader<T>(stream: AsyncIterable<T>): StreamReading<T> {
    const iterator = stream[Symbol.asyncIterator]();
    return {
      next: async () => {
        const item = await this.inTime('the stream yields nothing', iterator.next());
        return item.done ? undefined : item.value;
      },
      leave: async () => {
        const left = Promise.resolve(iterator.return?.());
        await this.inTime('return() of the stream does not settle', left);
      },
    };
  }

  #late(what: string): string {
    return `Waited ${this.#timeoutMs} ms in vain: ${what}.`;
  }

  /** @throws CallbacksConfigurationError that names the kit */
  refuse(problem: string): never {
    throw new CallbacksConfigurationError(`${this.name} ${problem}.`);
  }
}

/** What a test of a kit works with. */
export interface KitBench {
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Runs a test with a bench that is always closed; throws the test's own error first. */
export async function withBench<B extends KitBench>(
  bench: B,
  run: (bench: B) => Promise<void>,
): Promise<void> {
  const done = await bench
    .open()
    .then(() => run(bench))
    .then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  const closed = await bench.close().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const failed = done ?? closed;
  if (failed !== undefined) throw failed.error;
}

/** Closes all subjects of a test, then disposes them, also where closing failed; throws the first error. */
export async function closeAll<S>(
  subjects: readonly S[],
  close: (subject: S) => Promise<void> | undefined,
  dispose: (subject: S) => void | Promise<void>,
): Promise<void> {
  const closed = await Promise.allSettled(subjects.map(async (subject) => close(subject)));
  const disposed = await Promise.allSettled(subjects.map(async (subject) => dispose(subject)));
  for (const outcome of [...closed, ...disposed])
    if (outcome.status === 'rejected') throw outcome.reason;
}

function globalRunner(name: string): TestRunner {
  const { describe, it } = globalThis as Partial<TestRunner>;
  if (describe !== undefined && it !== undefined) return { describe, it };
  throw new CallbacksConfigurationError(
    `${name} found no global describe() and it(): call it in a test file, and pass the functions of a runner that has to be imported: ${name}(…, { runner: { describe, it } }).`,
  );
}

function isRunner(runner: Partial<TestRunner> | undefined): runner is TestRunner {
  return typeof runner?.describe === 'function' && typeof runner.it === 'function';
}

/** The failure of a test: the rule, what was wrong, and where to read about it. */
function brokenRule(place: string, rule: string, thrown: unknown): Error {
  const reason = thrown instanceof Error ? thrown.message : inspect(thrown);
  const message = `${place}: ${rule}.\n\n${reason}\n\nThe rule is documented at ${place}.`;
  const failure = withComparison(message, thrown);
  // The frames of the test, or of the subject's own error.
  const frames = thrown instanceof Error ? /\n {4}at [\s\S]*$/.exec(thrown.stack ?? '')?.[0] : '';
  failure.stack = `${failure.name}: ${failure.message}${frames ?? ''}`;
  return failure;
}

/** An error with the compared values of an assertion, which runners show. */
function withComparison(message: string, thrown: unknown): Error {
  if (!(thrown instanceof AssertionError)) return new Error(message);
  const { actual, expected, operator } = thrown;
  return new AssertionError({ message, actual, expected, operator });
}
