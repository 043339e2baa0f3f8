import type { LoggerService } from '@nestjs/common';

/** A line that went to Nest's logger. */
export interface LogLine {
  level: 'warn' | 'error';
  message: string;
}

/** What the applications of the running test have warned of. */
export const logs: LogLine[] = [];

const write = (level: LogLine['level']) => (message: unknown) =>
  void logs.push({ level, message: String(message) });

/** Keeps lines instead of writing them. */
export const testLogger: LoggerService = {
  log: () => undefined,
  warn: write('warn'),
  error: write('error'),
};
