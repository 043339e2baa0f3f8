import { excessOf, MAX_DEPTH, MAX_PENDING_NODES } from '../util/bounds.js';
import { PendingRunError } from '../errors/llm-errors.js';
import { toJsonWhole } from '../events/serialize.js';
import { MemoryLimitStore } from '../limits/memory-limit-store.js';
import type { PendingRun } from '../types/agent.js';
import {
  type ApprovalOptions,
  checkApprovalOptions,
  DEFAULT_MAX_AGE_MS,
  PendingSigner,
} from './pending-signer.js';
import { CallClaims, type ClaimStore } from './call-claims.js';
import { malformed, PendingChecker, type StoredRun } from './pending-run.js';

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
