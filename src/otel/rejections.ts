import { describeError } from '../errors/callbacks-error.js';
import { fieldOf } from '../util/log.js';

/** The codes of errors by which limiters reject calls. */
const REJECTIONS: ReadonlySet<string> = new Set([
  'budget_exceeded',
  'rate_limit_exceeded',
  'limit_store_unavailable',
  'limit_key_missing',
  'unknown_price',
]);

/** Whether a limiter rejected the call. */
export function isRejection(error: unknown): boolean {
  return REJECTIONS.has(describeError(error).code ?? '');
}

/** The name of the limiter that rejected a call, if its error knows it. */
export function limiterOf(error: unknown): string | undefined {
  const limiter = fieldOf(error, 'limiter');
  return typeof limiter === 'string' ? limiter : undefined;
}
