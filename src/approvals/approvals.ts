import { createHash, randomUUID } from 'node:crypto';
import { LimitStoreUnavailableError } from '../errors/callback-errors.js';
import { PendingRunError } from '../errors/llm-errors.js';
import { toJsonWhole } from '../events/serialize.js';
import type { LimitClaim, LimitGrant, LimitRefusal, LimitStore } from '../limits/limit-store.js';
import { limitWindow, type LimitWindow } from '../limits/limit-window.js';
import { MemoryLimitStore } from '../limits/memory-limit-store.js';
import type { PendingRun } from '../types/agent.js';
import { excessOf, MAX_DEPTH, MAX_PENDING_NODES } from '../util/bounds.js';
import { malformed, PendingChecker, type StoredRun } from './pending-run.js';
import {
  type ApprovalOptions,
  checkApprovalOptions,
  DEFAULT_MAX_AGE_MS,
  PendingSigner,
} from './pending-signer.js';

/** Where the calls of pending runs are recorded, and for how long. */
interface ClaimStore {
  readonly store: LimitStore;
  /** How long an executed or denied call is remembered: as long as a pending run with it may be resumed. */
  readonly maxAgeMs: number;
}

/** A call that this run may execute or deny. */
interface Claim {
  readonly id: string;
  readonly at: number;
  readonly claims: readonly LimitClaim[];
  /** By the monotonic clock of this process. */
  readonly takenAt: number;
}

/** All calls of all applications that share a store count under this group. */
const GROUP = 'approvals';
/** How long an unused claim is valid: longer than a run normally takes to start. */
const LEASE_MS = 60_000;
/** An older claim is taken again before use, so that it cannot have expired meanwhile. */
const FRESH_MS = LEASE_MS / 2;
/** A store would count the limiters of a group by it. */
const INSTANCE = GROUP;
/** How far the clocks of replicas may differ, so that no claim is forgotten before its pending run has expired. */
const SKEW_MS = 3_600_000;

/**
 * The calls of one pending run, each of which is executed or denied once: by the first run that claims it, in this or
 * any other process that uses the same store.
 */
export class CallClaims {
  readonly #held = new Map<string, Claim>();
  readonly #used = new Set<string>();
  /** Calls that another run has executed or denied. */
  readonly #gone = new Set<string>();

  /** @param turnId the id of the turn that the calls belong to */
  constructor(
    private readonly place: ClaimStore,
    private readonly turnId: string,
  ) {}

  /**
   * Claims calls before the run starts: all of them, or none.
   *
   * @param others calls that stay undecided; checks which of them are gone
   * @throws PendingRunError `'replayed'`
   */
  async take(callIds: readonly string[], others: readonly string[]): Promise<void> {
    try {
      // In one order, and one by one: of two runs that claim the same calls, one gets all of them.
      for (const callId of callIds) this.#held.set(callId, await this.#claim(callId));
      if (others.length > 0) await this.#findGone(others);
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** Whether another run has executed or denied a call that stays undecided. */
  isGone(callId: string): boolean {
    return this.#gone.has(callId);
  }

  /**
   * Records that a call is executed or denied now. It is recorded first: a process that dies in between never executes
   * it, rather than twice.
   *
   * @throws PendingRunError `'replayed'`
   */
  async use(callId: string): Promise<void> {
    if (this.#used.has(callId)) throw replayed();
    this.#used.add(callId);
    let claim = this.#held.get(callId);
    this.#held.delete(callId);
    if (claim !== undefined && performance.now() - claim.takenAt > FRESH_MS) {
      await this.#settle(claim, 0);
      claim = undefined;
    }
    await this.#settle(claim ?? (await this.#claim(callId)), 1);
  }

  /** Releases unused claims. Never fails: claims in an unavailable store expire by themselves. */
  async release(): Promise<void> {
    const left = [...this.#held.values()];
    this.#held.clear();
    for (const claim of left) await this.#settle(claim, 0).catch(() => undefined);
  }

  async #findGone(callIds: readonly string[]): Promise<void> {
    const counters = callIds.map((callId) => this.#counterOf(callId));
    const states = await this.#ask((store) => store.usage(GROUP, counters));
    for (const [index, callId] of callIds.entries())
      if ((states[index]?.used ?? 0) > 0) this.#gone.add(callId);
  }

  async #claim(callId: string): Promise<Claim> {
    const id = randomUUID();
    const claims = [{ ...this.#counterOf(callId), amount: 1, limit: 1, elastic: false }];
    const takenAt = performance.now();
    const request = { group: GROUP, id, leaseMs: LEASE_MS, instance: INSTANCE, claims };
    const outcome: LimitGrant | LimitRefusal = await this.#ask((store) => store.reserve(request));
    if (!outcome.granted) throw replayed();
    return { id, at: outcome.at, claims, takenAt };
  }

  async #settle({ id, at, claims }: Claim, used: 0 | 1): Promise<void> {
    const settled = claims.map((claim) => ({ ...claim, used }));
    await this.#ask((store) => store.settle({ group: GROUP, id, at, claims: settled }));
  }

  async #ask<T>(work: (store: LimitStore) => Promise<T>): Promise<T> {
    try {
      return await work(this.place.store);
    } catch (cause) {
      throw new LimitStoreUnavailableError(
        'The store of approvals cannot be used, so that it is not known whether a call was made already; nothing was made. Try again later.',
        { cause },
      );
    }
  }

  /** Ids come from models: the store gets their hash. */
  #counterOf(callId: string): { key: string; window: LimitWindow } {
    const hash = createHash('sha256').update(JSON.stringify([this.turnId, callId]));
    return { key: `call ${hash.digest('base64url')}`, window: windowOf(this.place.maxAgeMs) };
  }
}

/** The id does not depend on the length, so that a new length forgets nothing. */
function windowOf(maxAgeMs: number): LimitWindow {
  return { ...limitWindow(maxAgeMs + SKEW_MS), id: 'calls' };
}

function replayed(): PendingRunError {
  return new PendingRunError(
    'A call of the pending run was made or denied already, or is being decided elsewhere: each call is decided once. Resume the pending run that came of it; if there is none, begin a new run.',
    { reason: 'replayed' },
  );
}

/** Prepares pending runs for storage, and decides which stored ones are resumed; one per application. */
export class Approvals {
  readonly #checker = new PendingChecker();
  #signer: PendingSigner | undefined;
  #claims: ClaimStore = {
    // By the clock of the process at that time: tests may replace it.
    store: new MemoryLimitStore({ now: () => Date.now() }),
    maxAgeMs: DEFAULT_MAX_AGE_MS,
  };

  /** @throws CallbacksConfigurationError for invalid options */
  configure(options: ApprovalOptions | undefined): void {
    if (options === undefined) return;
    checkApprovalOptions(options);
    this.#signer = new PendingSigner(options);
    const { store = this.#claims.store, maxAgeMs = DEFAULT_MAX_AGE_MS } = options;
    this.#claims = { store, maxAgeMs };
  }

  /** Signs a run that is plain JSON, if there is a key. */
  seal(pending: PendingRun): PendingRun {
    if (this.#signer === undefined) return pending;
    return { ...pending, signature: this.#signer.sign(pending) };
  }

  /**
   * Returns a stored run as a private copy in plain JSON: the caller's object may change later.
   *
   * @throws PendingRunError except `'replayed'`
   */
  open(stored: unknown): StoredRun {
    const excess = excessOf(stored, { depth: 2 * MAX_DEPTH, nodes: MAX_PENDING_NODES });
    if (excess !== undefined) throw malformed(EXCESS[excess]);
    const json = toJsonWhole(stored);
    checkVersion(json);
    this.#signer?.verify(json);
    const pending = this.#checker.check(json);
    if (this.#signer !== undefined && pending.v === 2) this.#checkAge(pending);
    return pending;
  }

  /** Returns the calls of an opened run. */
  claimsOf(pending: StoredRun): CallClaims {
    return new CallClaims(this.#claims, pending.v === 1 ? pending.runId : pending.turn.id);
  }

  #checkAge({ createdAt }: PendingRun): void {
    const { maxAgeMs } = this.#claims;
    if (Date.now() - createdAt <= maxAgeMs) return;
    throw new PendingRunError(
      `The pending run is older than maxAgeMs (${maxAgeMs} ms): begin the run anew, or raise approvals.maxAgeMs.`,
      { reason: 'expired' },
    );
  }
}

const EXCESS = {
  deep: 'it is nested too deep, or in itself.',
  large: 'it is too large.',
  unreadable: 'it cannot be read.',
};

function checkVersion(pending: unknown): asserts pending is object {
  const { v } = Object(pending) as { v?: unknown };
  if (v !== 1 && v !== 2)
    throw malformed(`its version is ${writtenVersion(v)}; this package resumes versions 1 and 2.`);
}

/** The value may be of any type. */
function writtenVersion(v: unknown): string {
  return typeof v === 'number' || v === undefined ? String(v) : `a value of type ${typeof v}`;
}
