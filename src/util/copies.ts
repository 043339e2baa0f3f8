import type { Provider, Type } from '@nestjs/common';
import { markOf } from './brand.js';

/** A class that is the token of a service, possibly with an internal constructor. */
type Token = Type<object>;

/**
 * Where loaded copies of the package register their service tokens (classes), by name: a library may have its own copy,
 * as with nested `node_modules`, and `jest.resetModules()` creates one. Copies share nothing else, and the classes of
 * an unused copy can be garbage-collected.
 */
const TOKENS = markOf('tokens');

const shared = globalThis as unknown as Record<symbol, Map<string, WeakRef<Token>[]> | undefined>;

/** Lets other copies of the package provide this class too; its name is a literal. */
export function shareToken(token: Token): void {
  const tokens = (shared[TOKENS] ??= new Map<string, WeakRef<Token>[]>());
  const known = (tokens.get(token.name) ?? []).filter((one) => one.deref() !== undefined);
  tokens.set(token.name, [...known, new WeakRef(token)]);
}

/** The same class of the other copies, which code built against one of them uses as the token. */
export function otherTokens(own: Token): Token[] {
  const all = shared[TOKENS]?.get(own.name) ?? [];
  return all.flatMap((one) => one.deref() ?? []).filter((token) => token !== own);
}

/** Provides a service under the classes of the other copies. */
export function aliasesOf(own: Token): Provider[] {
  return otherTokens(own).map((provide) => ({ provide, useExisting: own }));
}
