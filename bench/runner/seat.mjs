import { ChildProcess } from './child-process.mjs';

const CONTENDER = new URL('contender-process.mjs', import.meta.url);

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
  #key;

  constructor(process, { isShared = false } = {}) {
    this.#process = process;
    this.#isShared = isShared;
  }

  async setUp(module, options) {
    ({ key: this.#key } = await this.#process.ask({ action: 'setUp', module, options }));
  }

  round(times, measures) {
    return this.#process.ask({ action: 'round', key: this.#key, times, measures });
  }

  memory() {
    return this.#process.ask({ action: 'memory' });
  }

  async leave() {
    if (!this.#isShared) await this.#process.end();
    else if (this.#key !== undefined) await this.#process.ask({ action: 'close', key: this.#key });
  }
}
