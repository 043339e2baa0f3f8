import { Injectable, Module } from '@nestjs/common';
import {
  CallbacksModule,
  OnAnyEvent,
  OnToolEnd,
  type CallbackEvent,
  type EventJson,
  type Redactor,
  type ToolEndEvent,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region options
@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: model,
      redact: {
        keys: ['iban'], // everywhere, as the default keys
        paths: ['metadata.customer.email', 'toolCalls[*].args.note'],
        patterns: [/\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,3})?\b/], // in every text
      },
    }),
  ],
})
export class RedactedModule {}
// #endregion

// #region redactor
export class NumbersOnly implements Redactor {
  /** Traces have numbers and names; all other places get everything. */
  redact(value: unknown, place: string): unknown {
    if (place !== 'span') return value;
    const { usage, cost, durationMs } = value as EventJson;
    return { usage, cost, durationMs };
  }
}
// #endregion

interface Rows {
  insert(row: unknown): Promise<void>;
}

// #region out
@Injectable()
export class EventArchive {
  constructor(private readonly rows: Rows) {}

  @OnAnyEvent({ when: ({ type }) => type !== 'llm.chunk' })
  async store(event: CallbackEvent) {
    await this.rows.insert(event.redacted('audit')); // the whole event, as JSON
  }

  @OnToolEnd()
  async storeResult(event: ToolEndEvent) {
    // A part: fields by their names, so that paths apply to them.
    await this.rows.insert(event.redacted('audit', { result: event.result }));
  }
}
// #endregion
