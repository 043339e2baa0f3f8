import { createHash } from 'node:crypto';
import { describeError } from '../errors/callbacks-error.js';
import type { BillableKind, ModelStartEvent } from '../events/event-map.js';
import type { LlmEndEvent, LlmErrorEvent } from '../events/llm.events.js';
import { OnLlmEnd, OnLlmError } from '../handlers/decorators.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { LlmChunk, LlmRequest, LlmResponse, ModelResponse } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import { excessOf, MAX_DEPTH, MAX_NODES } from '../util/bounds.js';
import { brand } from '../util/brand.js';
import { optionNames } from '../util/known-options.js';
import { Log } from '../util/log.js';
import { checkerFor, checkNext } from './retryable.js';

const MAX_ENTRIES = 1_000;
const FIVE_MINUTES = 300_000;
const PREFIX = 'nestjs-llm-callbacks:cache:';

/** Options of {@link CacheInterceptor}. */
export interface CacheOptions {
  /**
   * How long a cached answer is used, in milliseconds.
   * @default 300_000
   */
  ttlMs?: number;
  /**
   * Where answers are kept, as JSON: Nest's `Cache` for instance. They contain the models' answers.
   * @default 1,000 answers in the memory of this process
   */
  store?: CacheStore;
  /**
   * Whether an answer to one user or tenant is also given to others who send the same request.
   * @default false
   */
  shared?: boolean;
  /**
   * Which callers share answers: those for which it returns the same text, for instance `(event) => event.tenantId` for
   * all users of a tenant. Callers for which it returns `undefined` share theirs too.
   * @default callers of the same tenant and user
   */
  partition?: (event: ModelStartEvent) => string | undefined;
}

const OPTIONS = optionNames<CacheOptions>({
  ttlMs: true,
  store: true,
  partition: true,
  shared: true,
});

/** A cached answer: its fields, what it used and cost, and when it was new. */
interface Kept {
  readonly answer: Fields;
  readonly usage: Usage;
  readonly cost: number | null;
  /** Epoch milliseconds. */
  readonly at: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is cached of the answers of one kind. */
interface KeptAnswers {
  /** The cached fields. */
  readonly fields: readonly string[];
  /** Whether an entry of a store has the answer. */
  readonly isUsable: (entry: Fields) => boolean;
  /** Whether an answer is complete. */
  readonly isWhole: (answer: ModelResponse) => boolean;
}

const KEPT: Readonly<Record<BillableKind, KeptAnswers>> = {
  llm: {
    fields: ['id', 'provider', 'model', 'text', 'message', 'toolCalls', 'finishReason'],
    isUsable: ({ text }) => typeof text === 'string',
    isWhole: (answer) => {
      const { finishReason } = answer as LlmResponse;
      return finishReason === 'stop' || finishReason === 'tool-calls';
    },
  },
  embedding: {
    fields: ['provider', 'model', 'embeddings'],
    isUsable: ({ embeddings }) => Array.isArray(embeddings),
    isWhole: () => true,
  },
};

/**
 * Answers a repeated request from a cache, of LLM calls and embeddings: emits `llm.cache`, and the response has `cached:
 * true`, no usage, and cost 0. A request is the same when all of it is, its client, tenant and user included. Streams are
 * replayed; answers that were cut, or do not match their schema, are not cached. An error of the store is logged and the
 * store is skipped; it is also skipped for a request that is too deep or too large for a key that holds all of it.
 *
 * @example
 * ```ts
 * callbacks: [new CacheInterceptor({ ttlMs: 60 * 60_000, partition: (event) => event.tenantId })]
 * ```
 */
export class CacheInterceptor {
  static {
    brand(this, 'class:CacheInterceptor');
  }

  readonly #logger = new Log('CacheInterceptor');
  readonly #store: CacheStore;
  readonly #ttlMs: number;
  readonly #callerOf: (event: ModelStartEvent) => unknown;
  /** Answers that must match a schema, by the id of their run, until that is known. */
  readonly #unproven = new Map<string, Map<string, ModelResponse>>();

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(options: CacheOptions = {}) {
    const check = checkerFor('CacheInterceptor', options, OPTIONS);
    const { ttlMs = FIVE_MINUTES, store = new MemoryCache(MAX_ENTRIES) } = options;
    const { shared = false, partition } = options;
    check(ttlMs > 0, 'ttlMs must be above 0 milliseconds.');
    check(
      typeof store?.get === 'function' && typeof store.set === 'function',
      'store must have get(key) and set(key, value, ttlMs).',
    );
    check(
      typeof shared === 'boolean',
      'shared must be true or false: whether users and tenants share answers.',
    );
    check(
      partition === undefined || typeof partition === 'function',
      'partition must be a function of the start event that gives a text.',
    );
    check(
      !(shared && partition),
      'shared gives everyone the same answers, and partition keeps them apart: leave one of them out.',
    );
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#callerOf = shared ? () => true : (partition ?? tenantAndUser);
  }

  /** Looks the request up, and caches the answer to a new one. */
  @InterceptModel()
  async intercept(
    call: InterceptedModelCall,
    next: ModelNext,
  ): Promise<ModelResponse | LlmStream | AsyncGenerator<LlmChunk | LlmResponse, void, undefined>> {
    checkNext('CacheInterceptor', next);
    const key = call.observed ? undefined : this.#keyOf(call);
    if (key === undefined) return next();
    const kept = await this.#find(key, call.kind);
    if (kept !== undefined) return this.#hit(call, key, kept);
    const given = next();
    if (given instanceof LlmStream) return this.#readThrough(call, key, given);
    const response = await given;
    await this.#arrived(call, key, response);
    return response;
  }

  /** Caches the answers of a call whose final answer matches its schema, repaired ones included. */
  @OnLlmEnd()
  protected async prove({ runId, finishReason }: LlmEndEvent): Promise<void> {
    const answers = this.#unproven.get(runId);
    if (answers === undefined) return;
    this.#unproven.delete(runId);
    if (finishReason === 'cancelled') return;
    for (const [key, response] of answers) await this.#keep(key, 'llm', response);
  }

  /** Drops the answers of a failed call: as long as they were cached, they would fail again. */
  @OnLlmError()
  protected drop({ runId }: LlmErrorEvent): void {
    this.#unproven.delete(runId);
  }

  async *#readThrough(
    call: InterceptedModelCall,
    key: string,
    stream: LlmStream,
  ): AsyncGenerator<LlmChunk | LlmResponse, void, undefined> {
    let length = 0;
    for await (const chunk of stream) {
      if (chunk.type === 'text') length += chunk.text.length;
      yield chunk;
    }
    const response = await stream.response;
    // With `collect: false` the response does not have the text.
    if (response.text.length === length) await this.#arrived(call, key, response);
    yield response;
  }

  async #arrived(
    { kind, request, event: { runId } }: InterceptedModelCall,
    key: string,
    response: ModelResponse,
  ): Promise<void> {
    if ((request as Partial<LlmRequest>).schema === undefined)
      return this.#keep(key, kind, response);
    const answers = this.#unproven.get(runId) ?? new Map<string, ModelResponse>();
    this.#unproven.set(runId, answers.set(key, response));
  }

  /** `undefined` for a request that cannot be written whole: a truncated one would get the answers of others. */
  #keyOf({ client, provider, request, event }: InterceptedModelCall): string | undefined {
    const whole = toKeyText([client, provider, this.#callerOf(event) ?? null, request]);
    if (whole === undefined) {
      this.#logger.warn(
        'A request is too deep or too large for the cache, and is sent without it.',
      );
      return undefined;
    }
    return createHash('sha256').update(whole).digest('hex');
  }

  async #hit(
    call: InterceptedModelCall,
    key: string,
    { answer, usage, cost, at }: Kept,
  ): Promise<ModelResponse> {
    await call.emit('llm.cache', {
      key,
      // The clocks of two processes may differ.
      ageMs: Math.max(0, Date.now() - at),
      savedCost: cost,
      savedUsage: usage,
    });
    return { ...answer, cached: true } as unknown as ModelResponse;
  }

  async #find(key: string, kind: BillableKind): Promise<Kept | undefined> {
    try {
      const found = await this.#store.get(PREFIX + key);
      if (typeof found !== 'string') return undefined;
      const kept = JSON.parse(found) as Kept | null;
      const isWhole =
        KEPT[kind].isUsable(Object(kept?.answer) as Fields) &&
        Number.isFinite(kept?.at) &&
        Boolean(kept?.usage);
      return isWhole ? kept! : undefined;
    } catch (error) {
      this.#report('read', error);
      return undefined;
    }
  }

  async #keep(key: string, kind: BillableKind, response: ModelResponse): Promise<void> {
    const { fields, isWhole } = KEPT[kind];
    const { usage, cost, cached } = response;
    if (cached || !isWhole(response)) return;
    const kept = fields.map((name) => [name, (response as unknown as Fields)[name]]);
    const answer = Object.fromEntries(kept) as Fields;
    const entry: Kept = { answer, usage, cost, at: Date.now() };
    try {
      await this.#store.set(PREFIX + key, JSON.stringify(entry), this.#ttlMs);
    } catch (error) {
      this.#report('written', error);
    }
  }

  #report(what: string, error: unknown): void {
    this.#logger.warn(`The cache could not be ${what}: ${describeError(error).name}`);
  }
}

function tenantAndUser({ tenantId, userId }: ModelStartEvent): unknown {
  return { tenantId: tenantId ?? null, userId: userId ?? null };
}

/** The whole request, or nothing. */
function toKeyText(parts: unknown): string | undefined {
  if (excessOf(parts, { depth: MAX_DEPTH, nodes: MAX_NODES }) !== undefined) return undefined;
  try {
    return JSON.stringify(parts, inOrder);
  } catch {
    // A BigInt, or a toJSON that throws.
    return undefined;
  }
}

/** Writes the properties of objects in one order, and bytes as they are. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  }
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Where a `CacheInterceptor` keeps answers; Nest's own `Cache` (`CACHE_MANAGER`) fits. */
export interface CacheStore {
  /** `undefined` or `null` if there is no entry. */
  get(key: string): unknown;
  /** @param ttlMs how long the entry is valid, in milliseconds */
  set(key: string, value: string, ttlMs: number): unknown;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const CacheStore: object = Object;

interface Entry {
  readonly value: string;
  readonly bytes: number;
  readonly until: number;
}

/** 64 Mi: room for 1,000 answers of some 30,000 characters. */
const MAX_BYTES = 67_108_864;
/** Strings have at most two bytes per UTF-16 unit. */
const BYTES_PER_UNIT = 2;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps answers in this process, until they expire. The least recently used are dropped when there are too many, or
 * when they are too large together; an answer larger than the whole cache is not kept.
 */
export class MemoryCache implements CacheStore {
  static {
    brand(this, 'class:MemoryCache');
  }

  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #sweeping: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly maxEntries: number,
    private readonly maxBytes = MAX_BYTES,
  ) {}

  /** The number of kept answers, and their maximum size in bytes. */
  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  get(key: string): string | undefined {
    const entry = this.#take(key);
    if (entry === undefined || entry.until <= Date.now()) return undefined;
    // Moved to the end, the place of the most recently used.
    this.#put(key, entry);
    return entry.value;
  }

  set(key: string, value: string, ttlMs: number): void {
    this.#take(key);
    const bytes = BYTES_PER_UNIT * (key.length + value.length);
    if (bytes > this.maxBytes) return;
    this.#put(key, { value, bytes, until: Date.now() + ttlMs });
    this.#sweepLater(ttlMs);
    while (this.#entries.size > this.maxEntries || this.#bytes > this.maxBytes) {
      const [oldest] = this.#entries.keys();
      this.#take(oldest!);
    }
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #take(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    return entry;
  }

  /** One timer for all entries, which does not keep the process alive. */
  #sweepLater(ms: number): void {
    if (this.#sweeping !== undefined) return;
    this.#sweeping = setTimeout(() => this.#sweep(), Math.min(ms, MAX_TIMER_MS)).unref();
  }

  /** Drops expired entries. */
  #sweep(): void {
    this.#sweeping = undefined;
    const now = Date.now();
    let next = Infinity;
    for (const [key, { until }] of this.#entries) {
      if (until <= now) this.#take(key);
      else next = Math.min(next, until - now);
    }
    if (next < Infinity) this.#sweepLater(next);
  }
}
