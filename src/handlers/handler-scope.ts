import type { HandlerTable } from './handler-table.js';

/** A named client as the registry sees it. */
export interface ClientScope {
  /** The client's name; `undefined` for the default one. */
  readonly name: string | undefined;
  /** The callbacks of the instance. */
  readonly callbacks: readonly object[];
}

/**
 * Where a run stands, which decides who hears it: the named clients around it, the callbacks that were given to
 * instances and calls around it, and whom it must not reach. Immutable, and the same object for the same place, so that
 * the handlers that follow from it are compiled once.
 */
export class HandlerScope {
  readonly #entered = new WeakMap<ClientScope, HandlerScope>();
  /** The handlers that follow, and the registry's version that they follow from. */
  compiled: { readonly version: number; readonly table: HandlerTable } | undefined;

  constructor(
    readonly scopes: readonly string[] = [],
    readonly attached: readonly object[] = [],
    readonly excluded: ReadonlySet<object> = new Set(),
    private readonly client?: ClientScope,
  ) {}

  /** Inside a client: its scope, and its instance's callbacks; an agent and the model that it asks are one place. */
  enter(client: ClientScope): HandlerScope {
    if (this.client === client) return this;
    if (client.name === undefined && client.callbacks.length === 0) return this;
    let inside = this.#entered.get(client);
    if (inside === undefined) {
      const scopes = client.name === undefined ? this.scopes : [...this.scopes, client.name];
      const attached = [...this.attached, ...client.callbacks];
      // Whoever has no name stays in the client around.
      const around = client.name === undefined ? this.client : client;
      inside = new HandlerScope(scopes, attached, this.excluded, around);
      this.#entered.set(client, inside);
    }
    return inside;
  }

  /** Inside a call with callbacks of its own. */
  with(callbacks: readonly object[]): HandlerScope {
    return callbacks.length === 0
      ? this
      : new HandlerScope(this.scopes, [...this.attached, ...callbacks], this.excluded, this.client);
  }

  /** Inside a handler of `target`: nothing of the places around it, and nothing for it to hear. */
  insideHandler(target: object): HandlerScope {
    return new HandlerScope([], [], new Set(this.excluded).add(target));
  }
}
