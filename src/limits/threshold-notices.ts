import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';
import type { LimiterSettings } from './check-limiter.js';
import type { Reservations } from './reservations.js';
import type { ReservationAmount } from './limit.js';
import { fromStored } from './limit-units.js';
import type { LimitRefusal } from './limit-store.js';

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
