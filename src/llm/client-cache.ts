import { createHash } from 'node:crypto';

/**
 * A bounded cache of SDK clients by what they are created from; the least recently used one is evicted first. Keys and
 * headers are hashed, so that no secret is a key of the map. An evicted client still serves the calls that hold it.
 */
export class ClientCache {
  readonly #clients = new Map<string, unknown>();

  constructor(private readonly maxClients: number) {}

  get size(): number {
    return this.#clients.size;
  }

  /** The client for these parts; `make` creates it if needed. */
  get<T>(parts: readonly unknown[], make: () => T): T {
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
    const client = this.#clients.has(key) ? (this.#clients.get(key) as T) : make();
    this.#clients.delete(key);
    this.#clients.set(key, client);
    if (this.#clients.size > this.maxClients) {
      const [oldest] = this.#clients.keys();
      this.#clients.delete(oldest!);
    }
    return client;
  }
}
