import { INTERCEPTED_KINDS, type HookSelector, type InterceptorSelector } from './hook-selector.js';
import { EVENT_TYPES, type EventType } from '../events/event-map.js';
import type { Handler, Hook } from './handler.js';

/** The handlers of every event and the interceptors of every kind of run, in call order. */
export type HandlerTable = Readonly<Record<EventType | InterceptorSelector, readonly Handler[]>>;

const INTERCEPTORS = INTERCEPTED_KINDS.map((kind) => `intercept.${kind}` as const);

/** Sorts handlers, given in the order of their levels, into one list per event. Duplicate handlers count once. */
export function compileTable(handlers: readonly Handler[]): HandlerTable {
  const seen = new Set<Hook>();
  const unique = handlers.filter(({ hook }) => !seen.has(hook) && seen.add(hook));
  // Stable: handlers with the same `order` keep the order of their levels and registration.
  unique.sort((a, b) => a.order - b.order || 0);
  const table = {} as Record<EventType | InterceptorSelector, readonly Handler[]>;
  const among = (...selectors: HookSelector[]) =>
    unique.filter(({ selector }) => selectors.includes(selector));
  for (const type of EVENT_TYPES) table[type] = among(type, '*');
  for (const kind of INTERCEPTORS) table[kind] = among(kind);
  // V8 turns an object built from computed keys into a dictionary; the copy is a fast plain object, read on every
  // event.
  return { ...table };
}
