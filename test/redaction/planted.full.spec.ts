import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { LoggerModule, Logger as PinoLogger } from 'nestjs-pino';
import {
  type CallbacksModuleOptions,
  LoggingCallbacks,
  type LoggingOptions,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import {
  notPlantedIn,
  plantedIn,
  PLANTED_COUNT,
  runPlanted,
  type Planted,
} from '../support/planted-secrets.js';

afterEach(closeApps);
afterEach(() => void jest.restoreAllMocks());

/** nestjs-pino has one logger in a process. */
const pinoChunks: string[] = [];
const stream = { write: (text: string) => void pinoChunks.push(text) };

type Kind = 'text' | 'json' | 'pino';

/** Runs everything, and returns what was written. */
async function written(
  kind: Kind,
  options: LoggingOptions,
  root: CallbacksModuleOptions = {},
): Promise<Planted & { text: string }> {
  const chunks: string[] = [];
  const take = (text: unknown) => {
    chunks.push(String(text));
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(take);
  jest.spyOn(process.stderr, 'write').mockImplementation(take);
  const levels = { level: 'trace' };
  const result = await runPlanted({
    imports: kind === 'pino' ? [LoggerModule.forRoot({ pinoHttp: [levels, stream] })] : [],
    callbacks: [new LoggingCallbacks({ steps: true, ...options })],
    options: root,
    ready(app) {
      const logger: LoggerService =
        kind === 'pino'
          ? app.get(PinoLogger)
          : new ConsoleLogger({ json: kind === 'json', colors: false });
      Logger.overrideLogger(logger);
    },
  });
  jest.restoreAllMocks();
  return { ...result, text: [...chunks, ...pinoChunks.splice(0)].join('') };
}

const CASES: (readonly [Kind, LoggingOptions])[] = [
  ['text', {}],
  ['text', { content: true }],
  ['text', { json: true, content: true }],
  ['json', { json: true }],
  ['json', { json: true, content: true }],
  ['pino', { content: true }],
  ['pino', { json: true }],
  ['pino', { json: true, content: true }],
];

describe('40 planted secrets', () => {
  it('are planted in what handlers and servers get', async () => {
    expect(PLANTED_COUNT).toBeGreaterThanOrEqual(40);
    const { seen } = await written('text', {});
    expect(notPlantedIn(seen())).toEqual([]);
  });

  it.each(CASES)(
    'are in no line of a logger for %s with %j, and no line is forged',
    async (kind, options) => {
      const { text } = await written(kind, options);
      expect(plantedIn(text)).toEqual([]);
      const lines = text.split('\n').filter((line) => line !== '');
      expect(lines.length).toBeGreaterThan(30);
      // The frames of stacks are lines of their own.
      const genuine =
        kind === 'text' ? /^(?:\[Nest\] \d+|\w*Error\b.*|Object(?::.*)?$| {4}at )/ : /^\{"level":/;
      expect(lines.filter((line) => !genuine.test(line))).toEqual([]);
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
      expect(text).toContain('[redacted]');
    },
  );

  it('are found if nothing is redacted', async () => {
    const { text, queue } = await written('text', { content: true }, { redact: false });
    expect(plantedIn(text).length).toBeGreaterThan(20);
    expect(plantedIn(JSON.stringify(queue.jobs)).length).toBeGreaterThan(25);
  });

  it('are in no job', async () => {
    const { queue } = await written('text', {});
    const jobs = queue.jobs;
    expect(new Set(jobs.map(({ event }) => event.type)).size).toBeGreaterThan(15);
    for (const job of jobs)
      expect([job.event.type, plantedIn(JSON.stringify(job))]).toEqual([job.event.type, []]);
  });
});
