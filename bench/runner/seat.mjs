import { ChildProcess } from './child-process.mjs';

const CONTENDER = new URL('contender-process.mjs', import.meta.url);

/** How often a heap is collected before it is looked at: finalizers, and what they let go of, need more than once. */
const COLLECTIONS = 4;

/** A process for contenders. */
export function contenderProcess(library) {
  return new ChildProcess(CONTENDER, {
    env: { BENCH_LIBRARY: library },
    execArgv: ['--expose-gc'],
  });
}

/** Where a contender sits: in a process of its own, which ends with it, or in one that it shares. */
export class Seat {
  #process;
  #isShared;
  #collections;
  #key;

  constructor(process, { isShared = false } = {}) {
    this.#process = process;
    this.#isShared = isShared;
    // In a shared heap there is nothing to learn, and much to collect.
    this.#collections = isShared ? 0 : COLLECTIONS;
  }

  async setUp(module, options) {
    ({ key: this.#key } = await this.#process.ask({ action: 'setUp', module, options }));
  }

  /** Lets it do its work again and again for `ms`, once at least. */
  work({ times, measures, collects = false }, ms) {
    const heap = { collections: this.#collections, collects: collects && !this.#isShared };
    const details = { times, measures, ms, ...heap };
    return this.#process.ask({ action: 'work', key: this.#key, ...details });
  }

  memory() {
    return this.#process.ask({ action: 'memory', collections: this.#collections });
  }

  async leave() {
    if (!this.#isShared) await this.#process.end();
    else if (this.#key !== undefined) await this.#process.ask({ action: 'close', key: this.#key });
  }
}
