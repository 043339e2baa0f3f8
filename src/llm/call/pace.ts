import type { ChunkGaps } from '../../types/llm.js';
import type { Usage } from '../../types/usage.js';

const MS_PER_SECOND = 1_000;

/** When the chunks of a stream arrived. It costs one comparison a chunk: chunks of one packet share a time. */
export class ChunkPace {
  #chunks = 0;
  #last: number;
  #max = 0;

  /** @param first when the first chunk arrived, in milliseconds */
  constructor(private readonly first: number) {
    this.#last = first;
  }

  /** Records a chunk, the first one included. */
  chunk(at: number): void {
    this.#chunks++;
    if (at === this.#last) return;
    const gap = at - this.#last;
    // A clock that was set back makes no gap.
    if (gap > this.#max) this.#max = gap;
    this.#last = at;
  }

  /** Absent for a single chunk. */
  get gaps(): ChunkGaps | undefined {
    const count = this.#chunks - 1;
    if (count < 1) return undefined;
    return { count, avg: Math.max(0, this.#last - this.first) / count, max: this.#max };
  }
}

/** What tokens a second are computed from. */
interface Pace {
  readonly usage: Usage;
  readonly durationMs: number;
  readonly timeToFirstChunkMs: number | undefined;
  readonly chunkGapsMs: ChunkGaps | undefined;
  /** Whether chunks had the model's reasoning. */
  readonly hasReasoning: boolean;
}

/** Output tokens a second; `undefined` without tokens or without time. */
export function tokensPerSecond(pace: Pace): number | undefined {
  const { usage, durationMs, timeToFirstChunkMs: before, chunkGapsMs: gaps } = pace;
  // A stream that arrived all at once says nothing about the time that it took to write.
  if (before === undefined || gaps === undefined || gaps.avg === 0)
    return rate(usage.outputTokens, durationMs);
  // Reasoning that is not sent was written before the first chunk.
  const hidden = pace.hasReasoning ? 0 : usage.reasoningTokens;
  return rate(usage.outputTokens - hidden, durationMs - before);
}

function rate(tokens: number, ms: number): number | undefined {
  return tokens > 0 && ms > 0 ? (tokens * MS_PER_SECOND) / ms : undefined;
}

/** How long limiters made a call wait. Waits at the same time, of requests side by side, are added. */
export class LimiterWaits {
  readonly #open = new Set<{ readonly since: number }>();
  #overMs: number | undefined;

  /** Records a wait from now on; the returned function ends it, and returns its milliseconds. */
  start(): () => number {
    const wait = { since: performance.now() };
    this.#open.add(wait);
    return () => {
      this.#open.delete(wait);
      return performance.now() - wait.since;
    };
  }

  /** Records a wait that is over. */
  add(ms: number): void {
    if (ms >= 0 && Number.isFinite(ms)) this.#overMs = (this.#overMs ?? 0) + ms;
  }

  /** Milliseconds up to `now`; `undefined` if there was no wait. */
  until(now: number): number | undefined {
    if (this.#open.size === 0) return this.#overMs;
    let sum = this.#overMs ?? 0;
    for (const { since } of this.#open) sum += Math.max(0, now - since);
    return sum;
  }
}
