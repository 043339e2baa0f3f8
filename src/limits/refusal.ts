import type { LimitDetails } from '../errors/callbacks-error.js';
import { GLOBAL, type ReservationAmount, type Limit } from './limit.js';
import type { LimitRefusal } from './limit-store.js';
import { fromStored } from './limit-units.js';

/** The fields of a limiter's errors besides their message. */
export type RefusalDetails = LimitDetails & { retryAfterMs?: number | undefined };

/**
 * Describes why an amount did not fit. The message does not include the key, because it may be sent to clients.
 *
 * @param maxQueue given if the call could have waited, had there been room
 */
export function describeRefusal(
  { source, owner: key, limit: stored, amount, least }: ReservationAmount,
  refusal: LimitRefusal,
  maxQueue?: number,
): RefusalDetails & { message: string } {
  const { unit } = source;
  const write = (part: number): string => unit.write(fromStored(unit, part));
  const { used, reserved, retryAfterMs } = refusal;
  const message = [
    `the call may use up to ${write(amount)};`,
    `limit ${write(stored)}, used ${write(used)}, reserved ${write(reserved)}${scopeOf(source, write(stored))}.`,
    ...(least === undefined ? [] : [`It needs at least ${write(least)}, so it can never fit.`]),
    ...(maxQueue === undefined ? [] : [`${maxQueue} calls wait already.`]),
  ].join(' ');
  return {
    message,
    key,
    limit: fromStored(unit, stored),
    used: fromStored(unit, used + reserved),
    ...(least === undefined ? { retryAfterMs } : { retryable: false }),
  };
}

/** `' ($1 a day per user)'` */
function scopeOf({ per, length }: Limit, limit: string): string {
  const period = PERIODS[String(length)] ?? `in ${length} ms`;
  const owner = typeof per === 'function' ? 'per key' : per === GLOBAL ? '' : `per ${per}`;
  const words = [period, owner].filter((word) => word !== '');
  return words.length === 0 ? '' : ` (${limit} ${words.join(' ')})`;
}

const PERIODS: Readonly<Record<string, string>> = {
  hour: 'an hour',
  day: 'a day',
  month: 'a month',
  lifetime: '',
  60000: 'a minute',
};
