import { setImmediate } from 'node:timers';

/** What can be put into a {@link BackgroundQueue}. */
export interface QueuedJob {
  /** Its turn has come: it is run next. */
  begin(): void;
  /** Never rejects. */
  run(): Promise<void>;
}

/** How many jobs run and wait at once, and what happens to more. */
export interface QueueLimits {
  readonly concurrency: number;
  readonly queueSize: number;
  readonly whenFull: 'wait' | 'drop';
}

/** Runs jobs later, in order, a bounded number at once, with a bounded number of them waiting. */
export class BackgroundQueue {
  #running = 0;
  readonly #pending = new Set<QueuedJob>();
  /** Behind those: the jobs whose callers wait for room, and what to do when there is some. */
  readonly #line = new Map<QueuedJob, () => void>();
  /** How many in the line have nobody who waits. */
  #abandoned = 0;

  constructor(private readonly limits: QueueLimits) {}

  get running(): number {
    return this.#running;
  }

  get pending(): number {
    return this.#pending.size + this.#line.size;
  }

  /**
   * Puts a job in; `false` when there is no room for it. A promise of that while there is none, if the caller is to
   * wait: until `patience` fires.
   *
   * @param patience none: the caller must not wait, because it is what others wait for
   */
  add(job: QueuedJob, patience: (() => AbortSignal) | undefined): boolean | Promise<boolean> {
    if (this.#hasRoom()) {
      this.#accept(job);
      return true;
    }
    if (this.limits.whenFull === 'drop') return false;
    return patience === undefined ? this.#abandon(job) : this.#wait(job, patience());
  }

  /** Forgets what has not begun; whoever waits goes on. */
  clear(): void {
    this.#pending.clear();
    for (const goOn of this.#line.values()) goOn();
    this.#line.clear();
  }

  #hasRoom(): boolean {
    return this.#running < this.limits.concurrency || this.#pending.size < this.limits.queueSize;
  }

  #accept(job: QueuedJob): void {
    if (this.#running < this.limits.concurrency) this.#start(job);
    else this.#pending.add(job);
  }

  #wait(job: QueuedJob, patience: AbortSignal): boolean | Promise<boolean> {
    if (patience.aborted) return this.#abandon(job);
    return new Promise((resolve) => {
      const lose = () => resolve(this.#abandon(job));
      patience.addEventListener('abort', lose, { once: true });
      this.#line.set(job, () => {
        patience.removeEventListener('abort', lose);
        resolve(true);
      });
    });
  }

  /** Lets a job stand in line with nobody who waits, at the place that it had; of these too there is a bounded number. */
  #abandon(job: QueuedJob): boolean {
    if (this.#abandoned >= this.limits.queueSize) {
      this.#line.delete(job);
      return false;
    }
    this.#abandoned++;
    this.#line.set(job, () => void this.#abandoned--);
    return true;
  }

  #start(job: QueuedJob): void {
    this.#running++;
    job.begin();
    // After the promises of now: the caller goes first.
    setImmediate(() => void job.run().finally(() => this.#next()));
  }

  #next(): void {
    this.#running--;
    for (const job of this.#pending) {
      this.#pending.delete(job);
      this.#start(job);
      break;
    }
    for (const [job, goOn] of this.#line) {
      if (!this.#hasRoom()) break;
      this.#line.delete(job);
      this.#accept(job);
      goOn();
    }
  }
}
