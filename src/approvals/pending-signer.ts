import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { PendingRunError } from '../errors/llm-errors.js';
import type { LimitStore } from '../limits/limit-store.js';
import type { PendingRun, PendingSignature } from '../types/agent.js';

/** A secret of at least 32 bytes: a string, encoded as UTF-8, or the bytes themselves. */
export type ApprovalKey = string | Uint8Array;

/** Options of `forRoot({ approvals })`: pending runs are signed, and only signed ones are resumed. */
export interface ApprovalOptions {
  /**
   * Signs pending runs. At least 32 random bytes, the same in each replica: generate them with
   * `openssl rand -base64 32`.
   */
  key: ApprovalKey;
  /**
   * Names the key in `pending.signature`, so that it can be replaced: letters, digits and `_ . : -`.
   * @default 'default'
   */
  keyId?: string;
  /**
   * Previous signing keys, by their `keyId`. They verify stored pending runs, and sign none; remove a key once it has
   * not signed for `maxAgeMs`.
   */
  keys?: Readonly<Record<string, ApprovalKey>>;
  /**
   * The maximum age of a pending run when it is resumed, in milliseconds.
   * @default 604_800_000 (7 days)
   */
  maxAgeMs?: number;
  /**
   * Where executed and denied calls are recorded, so that each happens once: a `RedisLimitStore` with several replicas.
   * @default the memory of this process
   */
  store?: LimitStore;
}

/** 7 days. */
export const DEFAULT_MAX_AGE_MS = 604_800_000;
const DEFAULT_KEY_ID = 'default';

const MIN_KEY_BYTES = 32;
const KEY_ID = /^[\w.:-]{1,64}$/;
const KNOWN = ['key', 'keyId', 'keys', 'maxAgeMs', 'store'];
const STORE_METHODS = ['reserve', 'settle', 'usage'] as const;

/** @throws CallbacksConfigurationError that never contains a key */
export function checkApprovalOptions(options: ApprovalOptions): void {
  if (typeof options !== 'object' || options === null) fail('give an object with a key.');
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined)
    fail(`there is no option "${unknown}"; there are ${KNOWN.join(', ')}.`);
  const { key, keyId = DEFAULT_KEY_ID, keys = {}, maxAgeMs, store } = options;
  checkKeyId('keyId', keyId);
  checkKey('key', key);
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys))
    fail('keys must be an object: older keys by their keyId.');
  for (const [id, older] of Object.entries(keys)) {
    checkKeyId('each name in keys', id);
    checkKey(`keys["${id}"]`, older);
  }
  if (Object.hasOwn(keys, keyId))
    fail(
      `keys has a key "${keyId}", which is the keyId of key: give the new key a keyId of its own.`,
    );
  if (maxAgeMs !== undefined && !(Number.isSafeInteger(maxAgeMs) && maxAgeMs > 0))
    fail('maxAgeMs must be a whole number of milliseconds above 0.');
  if (store !== undefined && STORE_METHODS.some((name) => typeof store?.[name] !== 'function'))
    fail('store must be a LimitStore: a MemoryLimitStore, a RedisLimitStore, or one of your own.');
}

/** Returns the bytes of a key. */
function bytesOf(key: ApprovalKey): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
}

function checkKey(name: string, key: unknown): void {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
    fail(
      `${name} must be a text or a Buffer of at least ${MIN_KEY_BYTES} bytes, but is ${key === null ? 'null' : typeof key}. ${ADVICE}`,
    );
  }
  const { length } = bytesOf(key);
  if (length < MIN_KEY_BYTES)
    fail(`${name} has ${length} bytes, and needs at least ${MIN_KEY_BYTES}. ${ADVICE}`);
}

const ADVICE =
  'Make one by `openssl rand -base64 32`, keep it with your other secrets, and give it to each replica.';

function checkKeyId(name: string, keyId: unknown): void {
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId))
    fail(`${name} must have 1 to 64 letters, digits and _ . : - only.`);
}

function fail(problem: string): never {
  throw new CallbacksConfigurationError(`forRoot({ approvals }): ${problem}`);
}

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

/**
 * The canonical JSON of plain JSON data, as defined by RFC 8785: no white space, the keys of each object sorted by
 * their UTF-16 code units, numbers and strings as `JSON.stringify` writes them. So it is the same after a store that
 * does not keep the order of keys, such as `jsonb` of PostgreSQL. An unpaired surrogate, which RFC 8785 does not allow,
 * is written as its escape.
 *
 * @param root what `JSON.parse` returns, of a depth that its creator has bounded
 */
export function toCanonicalJson(root: unknown): string {
  const written: string[] = [];
  /** What remains to be written, the next one last. */
  const rest: Piece[] = [{ value: root }];
  for (let piece = rest.pop(); piece !== undefined; piece = rest.pop()) {
    if (typeof piece === 'string') written.push(piece);
    else if (typeof piece.value !== 'object' || piece.value === null)
      written.push(JSON.stringify(piece.value) ?? 'null');
    else for (const next of piecesOf(piece.value).toReversed()) rest.push(next);
  }
  return written.join('');
}

/** A string that is written as it is, or a value that is to be written. */
type Piece = string | { readonly value: unknown };

function piecesOf(value: object): Piece[] {
  if (Array.isArray(value)) {
    const items = value.flatMap((item: unknown, index): Piece[] =>
      index === 0 ? [{ value: item }] : [',', { value: item }],
    );
    return ['[', ...items, ']'];
  }
  const fields = value as Record<string, unknown>;
  // Without a comparator, strings are sorted by their code units.
  const keys = Object.keys(fields)
    .filter((key) => fields[key] !== undefined)
    .toSorted();
  const pieces = keys.flatMap((key, index): Piece[] => [
    `${index === 0 ? '' : ','}${JSON.stringify(key)}:`,
    { value: fields[key] },
  ]);
  return ['{', ...pieces, '}'];
}
