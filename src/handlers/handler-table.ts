import { INTERCEPTED_KINDS, type HookSelector, type InterceptorSelector } from './hook-selector.js';
import { EVENT_TYPES, type EventType } from '../events/event-map.js';
import type { Handler, Hook } from './handler.js';

/** For every event its handlers, and for every kind of run its interceptors, in the order in which they are called. */
export type HandlerTable = Readonly<Record<EventType | InterceptorSelector, readonly Handler[]>>;

const INTERCEPTORS = INTERCEPTED_KINDS.map((kind) => `intercept.${kind}` as const);

/** Sorts handlers, given in the order of their circles, into one list an event; a hook that comes twice counts once. */
export function compileTable(handlers: readonly Handler[]): HandlerTable {
  const seen = new Set<Hook>();
  const unique = handlers.filter(({ hook }) => !seen.has(hook) && seen.add(hook));
  // Stable: handlers of one order stay in the order of circles and registration.
  unique.sort((a, b) => a.order - b.order || 0);
  const table = {} as Record<EventType | InterceptorSelector, readonly Handler[]>;
  const among = (...selectors: HookSelector[]) =>
    unique.filter(({ selector }) => selectors.includes(selector));
  for (const type of EVENT_TYPES) table[type] = among(type, '*');
  for (const kind of INTERCEPTORS) table[kind] = among(kind);
  // Grown by computed names it is a dictionary, which is looked up for every event; its copy is a plain object again.
  return { ...table };
}
