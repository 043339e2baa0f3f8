import { ConsoleLogger } from '@nestjs/common';
import { dim } from './style.js';

/** Nest's own start-up messages. */
const START_UP = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Prints what callbacks log as one quiet line each; warnings and errors look as they always do. */
export class DeskLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.findLast((one) => typeof one === 'string') ?? '';
    if (START_UP.has(context)) return;
    process.stdout.write(dim(`     ${context.padEnd(8)} ${String(message)}`) + '\n');
  }
}
