import { Injectable, Logger } from '@nestjs/common';
import {
  OnLlmEnd,
  OnLlmRetry,
  OnLlmStreamChunk,
  type LlmEndEvent,
  type LlmRetryEvent,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';
import { line } from '../terminal/line.js';

const EVERY = 5;

/** Tells how far a streamed answer is, and how long each answer took. */
@Injectable()
export class LatencyPrinter {
  readonly #logger = new Logger('latency');

  @OnLlmStreamChunk({ when: ({ index }) => (index + 1) % EVERY === 0 })
  streaming(event: LlmStreamChunkEvent): void {
    this.#logger.log(line(event, `${event.index + 1} pieces so far`));
  }

  @OnLlmRetry()
  trying(event: LlmRetryEvent): void {
    const { provider, attempt, error, delayMs } = event;
    const again = `${provider} is asked again (retry ${attempt}) after ${ms(delayMs)}`;
    this.#logger.log(line(event, `${again}: ${error.name}`));
  }

  @OnLlmEnd()
  answered(event: LlmEndEvent): void {
    const { durationMs, timeToFirstChunkMs } = event;
    const first =
      timeToFirstChunkMs === undefined ? '' : `, first words after ${ms(timeToFirstChunkMs)}`;
    this.#logger.log(line(event, `${event.provider} took ${ms(durationMs)}${first}`));
  }
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
