import type { Provider, Type } from '@nestjs/common';
import { markOf } from './brand.js';

/** A class by which a service is injected, maybe with a constructor that is not for users. */
type Token = Type<object>;

/**
 * Where the copies of the package that the process has loaded leave the classes by which services are injected, by name:
 * a library may have a copy of its own, as with nested `node_modules`, and `jest.resetModules()` makes one. Copies share
 * nothing else, and the classes of one that is not used any more are let go.
 */
const TOKENS = markOf('tokens');

const shared = globalThis as unknown as Record<symbol, Map<string, WeakRef<Token>[]> | undefined>;

/** Lets other copies of the package provide this class too; its name is a literal. */
export function shareToken(token: Token): void {
  const tokens = (shared[TOKENS] ??= new Map<string, WeakRef<Token>[]>());
  const known = (tokens.get(token.name) ?? []).filter((one) => one.deref() !== undefined);
  tokens.set(token.name, [...known, new WeakRef(token)]);
}

/** The same class of the other copies, under which code that was built against one of them has a service injected. */
export function otherTokens(own: Token): Token[] {
  const all = shared[TOKENS]?.get(own.name) ?? [];
  return all.flatMap((one) => one.deref() ?? []).filter((token) => token !== own);
}

/** Provides a service under the classes of the other copies. */
export function aliasesOf(own: Token): Provider[] {
  return otherTokens(own).map((provide) => ({ provide, useExisting: own }));
}
