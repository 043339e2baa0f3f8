import type { LimitDetails } from '../errors/index.js';
import { GLOBAL, type CallClaim, type Limit } from './limit.js';
import type { LimitRefusal } from './limit-store.js';
import { fromStored } from './limit-units.js';

/** What a limiter's errors say besides their message. */
export type RefusalDetails = LimitDetails & { retryAfterMs?: number | undefined };

/**
 * What is said of a claim that did not fit. The key is not in the message, which may go to clients.
 *
 * @param maxQueue given where the call could have waited, if there were room
 */
export function describeRefusal(
  { source, owner: key, limit: stored }: CallClaim,
  refusal: LimitRefusal,
  maxQueue?: number,
): RefusalDetails & { message: string } {
  const { unit } = source;
  const [used, reserved] = [fromStored(unit, refusal.used), fromStored(unit, refusal.reserved)];
  const limit = fromStored(unit, stored);
  const message = [
    `the limit of ${writeLimit(source, limit)} does not admit the call;`,
    `${unit.write(used)} used, ${unit.write(reserved)} reserved.`,
    ...(maxQueue === undefined ? [] : [`${maxQueue} calls wait already.`]),
  ].join(' ');
  const all = fromStored(unit, refusal.used + refusal.reserved);
  return { message, key, limit, used: all, retryAfterMs: refusal.retryAfterMs };
}

/** `'$1 a day per user'` */
function writeLimit({ unit, per, length }: Limit, amount: number): string {
  const owner = typeof per === 'function' ? ' per key' : per === GLOBAL ? '' : ` per ${per}`;
  return `${unit.write(amount)}${PERIODS[String(length)] ?? ` in ${length} ms`}${owner}`;
}

const PERIODS: Readonly<Record<string, string>> = {
  hour: ' an hour',
  day: ' a day',
  month: ' a month',
  lifetime: '',
  60000: ' a minute',
};
