import {
  LimitKeyMissingError,
  LimitStoreUnavailableError,
  UnknownPriceError,
} from '../errors/callback-errors.js';
import type { CallbackAbort, LimitDetails } from '../errors/callbacks-error.js';
import type { InterceptedModelCall } from '../llm/interceptors.js';
import { Log, logReason } from '../util/log.js';
import type { LimiterSettings } from './check-limiter-options.js';
import type { LimitRefusal } from './limit-store.js';
import { fromStored, GLOBAL, type Limit, type ReservationAmount } from './limit.js';
import { reservationAmounts } from './reservation-amounts.js';
import type { Reservation, Reservations } from './reservations.js';
import { AdviceLog } from './store-outage.js';
import { WaitQueue } from './wait-queue.js';

/** Options of {@link Admission}. */
interface AdmissionOptions {
  readonly name: string;
  readonly reservations: Reservations;
  readonly notices: ThresholdNotices;
  /** The current settings: they may be updated. */
  readonly settings: () => LimiterSettings;
  /** Creates the error of a call that does not fit. */
  readonly refusal: (message: string, details: RefusalDetails) => CallbackAbort;
}

/** Reserves what a call may use, at once or when its turn comes, or rejects the call. */
export class Admission {
  readonly #lines = new WaitQueue();
  readonly #advice: AdviceLog;

  constructor(private readonly options: AdmissionOptions) {
    this.#advice = new AdviceLog(options.name);
  }

  async reserve(call: InterceptedModelCall): Promise<Reservation> {
    const amounts = this.#claims(call);
    // What is there at once is not awaited: each call passes here.
    const claims = amounts instanceof Promise ? await amounts : amounts;
    const { mode } = this.options.settings();
    if (mode === 'wait' && !claims.some(({ neverFits }) => neverFits))
      return this.#waitFor(claims, call);
    const outcome = await this.#try(claims);
    if (outcome.granted) return outcome;
    const refused = refusedOf(claims, outcome);
    await this.options.notices.refused(refused, outcome);
    throw this.#refuse(refused, outcome);
  }

  /** Called after a release: waiting calls try again. */
  wake(): void {
    this.#lines.wake();
  }

  /** Waits for the call's turn. Evaluates the limits on each attempt, because they may have changed. */
  async #waitFor(
    claims: readonly ReservationAmount[],
    call: InterceptedModelCall,
  ): Promise<Reservation> {
    const { maxQueue } = this.options.settings();
    const key = claims.map((claim) => claim.key).join(' ');
    let latest = claims;
    let refused: { claim: ReservationAmount; refusal: LimitRefusal } | undefined;
    const refuse = (refusal: LimitRefusal, isFull: boolean) => {
      refused = { claim: refusedOf(latest, refusal), refusal };
      return this.#refuse(refused.claim, refusal, isFull ? maxQueue : undefined);
    };
    const attempt = async () => {
      latest = await this.#claims(call);
      const outcome = await this.#try(latest);
      if (outcome.granted || !refusedOf(latest, outcome).neverFits) return outcome;
      throw refuse(outcome, false);
    };
    let endWait: (() => Promise<void>) | undefined;
    const onWait = () => (endWait = call.startWait(this.options.name));
    const { signal } = call;
    try {
      const waiter = { signal, attempt, refuse, onWait };
      return await this.#lines.enter<Reservation>(key, maxQueue, waiter);
    } catch (error) {
      if (refused !== undefined) await this.options.notices.refused(refused.claim, refused.refusal);
      throw error;
    } finally {
      await endWait?.();
    }
  }

  #claims(call: InterceptedModelCall): ReservationAmount[] | Promise<ReservationAmount[]> {
    const { name, settings } = this.options;
    const advise = (error: unknown): never => {
      if (error instanceof LimitKeyMissingError || error instanceof UnknownPriceError)
        this.#advice.log(error.message);
      throw error;
    };
    try {
      const amounts = reservationAmounts(call, settings(), name);
      return amounts instanceof Promise ? amounts.catch(advise) : amounts;
    } catch (error) {
      return advise(error);
    }
  }

  async #try(claims: readonly ReservationAmount[]): Promise<Reservation | LimitRefusal> {
    const { name, reservations } = this.options;
    let outcome: Reservation | LimitRefusal;
    try {
      outcome = await reservations.reserve(claims);
    } catch (cause) {
      const message = `${name}: its store cannot be used at the moment; try again later.`;
      throw new LimitStoreUnavailableError(message, { cause, limiter: name });
    }
    const never = claims.findIndex(({ neverFits }) => neverFits);
    if (never < 0 || !outcome.granted) return outcome;
    // The store is unavailable, or does not check `neverFits`.
    await reservations.release(outcome);
    return { granted: false, claim: never, used: 0, reserved: 0 };
  }

  #refuse(claim: ReservationAmount, refusal: LimitRefusal, maxQueue?: number): CallbackAbort {
    const { message, ...details } = describeRefusal(claim, refusal, maxQueue);
    const { name: limiter, refusal: toError } = this.options;
    return toError(`${limiter}: ${message}`, { ...details, limiter });
  }
}

/** The amount that did not fit; waiting calls of one key may have different amounts. */
function refusedOf(
  claims: readonly ReservationAmount[],
  { claim }: LimitRefusal,
): ReservationAmount {
  return claims[claim] ?? claims[0]!;
}

/** The fields of a limiter's errors besides their message. */
export type RefusalDetails = LimitDetails & { retryAfterMs?: number | undefined };

/**
 * Describes why an amount did not fit. The message does not include the key, because it may be sent to clients.
 *
 * @param maxQueue given if the call could have waited, had there been room
 */
function describeRefusal(
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

/** Calls a limiter's `onThreshold`, and logs its errors. */
export class ThresholdNotices {
  readonly #logger: Log;

  constructor(
    limiter: string,
    private readonly settings: () => LimiterSettings,
    private readonly reservations: () => Reservations,
  ) {
    this.#logger = new Log(limiter);
  }

  /** Called when a settlement is the first one to reach the threshold. */
  async reached(claim: ReservationAmount, used: number): Promise<void> {
    await this.#notify(claim, used, false);
  }

  /** Called when a call is rejected, possibly as the first one. */
  async refused(claim: ReservationAmount, { used }: LimitRefusal): Promise<void> {
    if (this.settings().onThreshold === undefined) return;
    if (await this.reservations().isFirstRefusal(claim)) await this.#notify(claim, used, true);
  }

  async #notify(claim: ReservationAmount, storedUse: number, refused: boolean): Promise<void> {
    const { source, owner: key, limit: stored } = claim;
    const [used, limit] = [fromStored(source.unit, storedUse), fromStored(source.unit, stored)];
    const ratio = limit === 0 ? 1 : used / limit;
    try {
      await this.settings().onThreshold?.({ key, used, limit, ratio, refused });
    } catch (error) {
      this.#logger.error(`onThreshold failed: ${logReason(error)}`, error);
    }
  }
}
