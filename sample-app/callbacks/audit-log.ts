import { Injectable, Logger } from '@nestjs/common';
import {
  CallbacksError,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  type LlmEndEvent,
  type LlmErrorEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { dollars, line, tokensOf } from '../terminal/line.js';

/** Records who called which model, and the outcome; never the question. */
export interface AuditEntry {
  time: string;
  event: string;
  runId: string;
  requestId: string;
  user: string | undefined;
  model: string;
  outcome?: string;
  tokens?: number;
  /** US dollars; `null` if the price is unknown. */
  cost?: number | null;
  /** The requests to models, in order: `'ok'`, or the reason of the failure. */
  attempts?: { model: string; outcome: string }[];
}

const MAX_ENTRIES = 1_000;

/** Keeps the last entries in memory; a real application writes them to its database. */
@Injectable()
export class AuditLog {
  readonly #logger = new Logger('audit');
  readonly #entries: AuditEntry[] = [];

  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  @OnLlmStart()
  asked(event: LlmStartEvent): void {
    this.#record(entryOf(event));
  }

  @OnLlmEnd()
  answered(event: LlmEndEvent): void {
    this.#ended(event, event.finishReason);
  }

  @OnLlmError()
  failed(event: LlmErrorEvent): void {
    this.#ended(event, reasonOf(event.error));
  }

  #ended(event: LlmEndEvent | LlmErrorEvent, outcome: string): void {
    const { usage, cost } = event;
    const attempts = event.attempts.map(({ provider, model, error }) => ({
      model: `${provider}/${model}`,
      outcome: error === undefined ? 'ok' : reasonOf(error),
    }));
    this.#record({ ...entryOf(event), outcome, tokens: usage.totalTokens, cost, attempts });
    const tries = attempts.length > 1 ? `, by ${event.model} in ${attempts.length} tries` : '';
    this.#logger.log(line(event, `${outcome}${tries}, ${tokensOf(usage)}, ${dollars(cost)}`));
  }

  #record(entry: AuditEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }
}

function reasonOf(error: Error): string {
  return error instanceof CallbacksError ? error.code : error.name;
}

function entryOf(event: LlmStartEvent | LlmEndEvent | LlmErrorEvent): AuditEntry {
  return {
    time: new Date(event.timestamp).toISOString(),
    event: event.type,
    runId: event.runId,
    requestId: event.requestId,
    user: event.userId,
    model: `${event.provider}/${event.model}`,
  };
}
