import { Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import {
  CallbacksModule,
  CallbacksService,
  LoggingCallbacks,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region pino
const IDS = [
  'runId',
  'parentRunId',
  'requestId',
  'traceId',
  'spanId',
  'userId',
  'tenantId',
] as const;

export function pinoOptions(callbacks: CallbacksService) {
  return {
    pinoHttp: {
      // On every line of the application that is written in a run or in a request.
      mixin() {
        const current = callbacks.current;
        return Object.fromEntries(IDS.map((name) => [name, current?.[name]]));
      },
      // pino-http writes the headers of each request.
      redact: ['req.headers.authorization', 'req.headers.cookie'],
    },
  };
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: model, callbacks: [new LoggingCallbacks({ json: true })] }),
    LoggerModule.forRootAsync({ inject: [CallbacksService], useFactory: pinoOptions }),
  ],
})
export class AppModule {}
// #endregion

// #region sample
export const sampled = new LoggingCallbacks({
  json: true,
  // Once for each tree of runs, with its first event.
  sample: ({ tenantId, runId }: CallbackEvent) => tenantId === 'acme' || runId.startsWith('0'),
});
// #endregion

// #region content
export const verbose = new LoggingCallbacks({ content: true, steps: true, level: 'debug' });
// #endregion
