import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { LimitStore } from '../limits/limit-store.js';

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
export const DEFAULT_KEY_ID = 'default';

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
export function bytesOf(key: ApprovalKey): Uint8Array {
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
