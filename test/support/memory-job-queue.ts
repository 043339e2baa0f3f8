import { setTimeout as delay } from 'node:timers/promises';
import type { Job, JobQueue, JobWork } from 'nestjs-llm-callbacks';

interface Entry {
  readonly json: string;
  attempt: number;
}

/**
 * A queue that stores jobs as text, and runs each when the test lets it; after `attempts` failures it is a dead letter.
 */
export class MemoryJobQueue implements JobQueue {
  readonly #jobs = new Map<string, Entry>();
  readonly #ids = new Set<string>();
  readonly dead: { job: Job; error: unknown }[] = [];
  /** The called methods, in order. */
  readonly calls: string[] = [];
  /** Fired by a test that lets the queue give a job up. */
  readonly lost = new AbortController();
  /** A promise that `add` awaits. */
  holdsUp: Promise<void> | undefined;
  #work: JobWork | undefined;
  #isPaused = false;

  constructor(private readonly attempts = 1) {}

  /** The jobs that are not done. */
  get jobs(): Job[] {
    return [...this.#jobs.values()].map(({ json }) => JSON.parse(json) as Job);
  }

  async add(job: Job): Promise<void> {
    this.calls.push('add');
    await this.holdsUp;
    if (this.#ids.has(job.id)) return;
    this.#ids.add(job.id);
    this.#jobs.set(job.id, { json: JSON.stringify(job), attempt: 0 });
  }

  async start(work: JobWork): Promise<void> {
    this.calls.push('start');
    this.#work = work;
  }

  async pause(): Promise<void> {
    this.calls.push('pause');
    this.#isPaused = true;
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  /** Runs every job in the queue until it is done or dead, or the queue is paused. */
  async work(): Promise<void> {
    for (const [id, entry] of this.#jobs) {
      while (this.#jobs.has(id) && !this.#isPaused) await this.#try(id, entry);
    }
  }

  async #try(id: string, entry: Entry): Promise<void> {
    const job = JSON.parse(entry.json) as Job;
    const attempt = ++entry.attempt;
    const final = attempt >= this.attempts;
    try {
      await this.#work!(job, { signal: this.lost.signal, attempt, final });
    } catch (error) {
      if (!final) return;
      this.dead.push({ job, error });
    }
    this.#jobs.delete(id);
  }
}

/** The same queue, which runs its jobs by itself, one after the other. */
export class WorkingJobQueue extends MemoryJobQueue {
  #working: Promise<void> | undefined;
  #isStarted = false;

  override async add(job: Job): Promise<void> {
    await super.add(job);
    this.#go();
  }

  override async start(work: JobWork): Promise<void> {
    await super.start(work);
    this.#isStarted = true;
    this.#go();
  }

  override async close(withinMs?: number): Promise<void> {
    await this.pause();
    await super.close();
    if (withinMs === undefined) return this.#working;
    const stop = new AbortController();
    const late = delay(withinMs, undefined, { signal: stop.signal }).catch(() => undefined);
    await Promise.race([this.#working, late]);
    stop.abort();
  }

  #go(): void {
    if (this.#isStarted)
      this.#working = (this.#working ?? Promise.resolve()).then(() => this.work());
  }
}
