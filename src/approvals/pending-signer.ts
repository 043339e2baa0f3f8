import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { PendingRunError } from '../errors/llm-errors.js';
import type { PendingRun, PendingSignature } from '../types/agent.js';
import { bytesOf, DEFAULT_KEY_ID, type ApprovalOptions } from './approval-options.js';
import { toCanonicalJson } from './canonical-json.js';

/** Signs pending runs, and verifies its signatures. Keys are held in a form that is never serialized. */
export class PendingSigner {
  readonly #keyId: string;
  readonly #keys = new Map<string, KeyObject>();

  constructor({ key, keyId = DEFAULT_KEY_ID, keys = {} }: ApprovalOptions) {
    this.#keyId = keyId;
    for (const [id, one] of [...Object.entries(keys), [keyId, key] as const])
      this.#keys.set(id, createSecretKey(bytesOf(one)));
  }

  sign(pending: PendingRun): PendingSignature {
    const keyId = this.#keyId;
    return { keyId, hmac: hmacOf(pending, this.#keys.get(keyId)!).toString('hex') };
  }

  /** @throws PendingRunError `'unsigned'` or `'changed'` */
  verify(pending: object): void {
    const { signature } = pending as { signature?: unknown };
    if (signature === undefined || signature === null) {
      throw new PendingRunError(
        'The pending run is not signed, and forRoot({ approvals: { key } }) takes signed ones only: begin the run anew.',
        { reason: 'unsigned' },
      );
    }
    const { keyId, hmac } = Object(signature) as Partial<Record<string, unknown>>;
    const key = typeof keyId === 'string' ? this.#keys.get(keyId) : undefined;
    if (key === undefined || !isEqual(hmac, hmacOf(pending, key))) {
      throw new PendingRunError(
        'The pending run is not what was signed, or its key is not known here: resume result.pending as it was stored.',
        { reason: 'changed' },
      );
    }
  }
}

/** Covers all fields except the signature itself. */
function hmacOf(pending: object, key: KeyObject): Buffer {
  const { signature: _signature, ...signed } = pending as { signature?: unknown };
  return createHmac('sha256', key).update(toCanonicalJson(signed), 'utf8').digest();
}

/** Compares in constant time. */
function isEqual(hmac: unknown, expected: Buffer): boolean {
  if (typeof hmac !== 'string' || !/^[0-9a-f]{64}$/.test(hmac)) return false;
  return timingSafeEqual(Buffer.from(hmac, 'hex'), expected);
}
