import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import type { PendingRun } from 'nestjs-llm-callbacks';

const MAX_WAITING = 100;

/** Runs that wait for a colleague. They are plain JSON: a real application keeps them in its database. */
@Injectable()
export class WaitingTickets {
  readonly #runs = new Map<string, string>();

  /** @returns the id for the decision; the oldest ticket is dropped when too many wait */
  keep(run: PendingRun, id: string = randomUUID()): string {
    this.#runs.set(id, JSON.stringify(run));
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= MAX_WAITING) break;
      this.#runs.delete(oldest);
    }
    return id;
  }

  /** Taking a ticket removes it, so that it is answered once. */
  take(id: string): PendingRun {
    const run = this.#runs.get(id);
    if (run === undefined) {
      throw new NotFoundException('No ticket waits under this id; perhaps it was answered.');
    }
    this.#runs.delete(id);
    return JSON.parse(run) as PendingRun;
  }
}
