import { EVENT_TYPES, type EventType, isListed } from '../events/event-map.js';
import { type Handler, type HandlerSpec, type HookSelector, WRAPPER_SELECTORS } from './handler.js';

/** A client, reduced to what the registry needs. */
export interface ClientScope {
  /** The client's name; `undefined` for the default one. */
  readonly name: string | undefined;
  /** The callbacks of the instance. */
  readonly callbacks: readonly object[];
}

/**
 * The scope of a run, which determines its handlers: the named clients around it, the callbacks of the instances and
 * calls around it, and the targets it must not reach. Immutable. Equal scopes are the same object, so that their
 * handlers are compiled once.
 */
export class HandlerScope {
  readonly #entered = new WeakMap<ClientScope, HandlerScope>();
  /** The compiled handlers, and the registry version they were compiled from. */
  compiled: { readonly version: number; readonly table: HandlerTable } | undefined;

  constructor(
    readonly scopes: readonly string[] = [],
    readonly attached: readonly object[] = [],
    readonly excluded: ReadonlySet<object> = new Set(),
    private readonly client?: ClientScope,
  ) {}

  /** The scope inside a client: its name and its instance's callbacks. An agent and its model share one scope. */
  enter(client: ClientScope): HandlerScope {
    if (this.client === client) return this;
    if (client.name === undefined && client.callbacks.length === 0) return this;
    let inside = this.#entered.get(client);
    if (inside === undefined) {
      const scopes = client.name === undefined ? this.scopes : [...this.scopes, client.name];
      const attached = [...this.attached, ...client.callbacks];
      // A client without a name keeps the surrounding client.
      const around = client.name === undefined ? this.client : client;
      inside = new HandlerScope(scopes, attached, this.excluded, around);
      this.#entered.set(client, inside);
    }
    return inside;
  }

  /** The scope inside a call with its own callbacks. */
  with(callbacks: readonly object[]): HandlerScope {
    return callbacks.length === 0
      ? this
      : new HandlerScope(this.scopes, [...this.attached, ...callbacks], this.excluded, this.client);
  }

  /** The scope inside a handler of `target`: without the surrounding scopes, and its events never reach `target`. */
  insideHandler(target: object): HandlerScope {
    return new HandlerScope([], [], new Set(this.excluded).add(target));
  }
}

/** The handlers of every event, and the callbacks that wrap runs, in call order. */
export type HandlerTable = Readonly<Record<TableKey, readonly Handler[]>>;
type TableKey = EventType | (typeof WRAPPER_SELECTORS)[number];

/** Sorts handlers, given in the order of their levels, into one list per event. Duplicate handlers count once. */
export function compileTable(handlers: readonly Handler[]): HandlerTable {
  const seen = new Set<HandlerSpec>();
  const unique = handlers.filter(({ spec }) => !seen.has(spec) && seen.add(spec));
  // Stable: handlers with the same `order` keep the order of their levels and registration.
  unique.sort((a, b) => a.order - b.order || 0);
  const table = {} as Record<TableKey, readonly Handler[]>;
  const among = (...selectors: HookSelector[]) =>
    unique.filter(({ selector }) => selectors.includes(selector));
  for (const type of EVENT_TYPES) table[type] = isListed(type) ? among(type, '*') : among(type);
  for (const selector of WRAPPER_SELECTORS) table[selector] = among(selector);
  // V8 turns an object built from computed keys into a dictionary; the copy is a fast plain object, read on every
  // event.
  return { ...table };
}
