import { Injectable, Logger } from '@nestjs/common';
import {
  OnLlmEnd,
  OnLlmRetry,
  OnLlmStreamChunk,
  type LlmEndEvent,
  type LlmRetryEvent,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';
import { line, milliseconds } from '../terminal/line.js';

const EVERY = 5;

/** Prints the progress of a streamed answer, and the duration of each answer. */
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
    const again = `${provider} is asked again (retry ${attempt}) after ${milliseconds(delayMs)}`;
    this.#logger.log(line(event, `${again}: ${error.name}`));
  }

  /** The agent's own printer prints its turns. */
  @OnLlmEnd({ when: ({ parentRunId }) => parentRunId === undefined })
  answered(event: LlmEndEvent): void {
    const { durationMs, timeToFirstChunkMs } = event;
    const first =
      timeToFirstChunkMs === undefined
        ? ''
        : `, first words after ${milliseconds(timeToFirstChunkMs)}`;
    this.#logger.log(line(event, `${event.provider} took ${milliseconds(durationMs)}${first}`));
  }
}
