import type { LoggerService } from '@nestjs/common';

/** A line that was passed to Nest's logger. */
export interface LogLine {
  level: 'warn' | 'error';
  message: string;
}

/** The warnings of the applications of the running test. */
export const logs: LogLine[] = [];

const write = (level: LogLine['level']) => (message: unknown) =>
  void logs.push({ level, message: String(message) });

/** Stores lines instead of writing them. */
export const testLogger: LoggerService = {
  log: () => undefined,
  warn: write('warn'),
  error: write('error'),
};
