import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { ROOT_CLIENT } from './module.constants.js';

type HostModule = ModulesContainer extends Map<string, infer M> ? M : never;

/** What to do about two copies of the package in one application. */
const COPIES =
  'See `npm ls nestjs-llm-callbacks`: the application needs exactly one copy, and its libraries the package as a peer dependency.';

/**
 * Refuses a second `forRoot()` in one application, one of another copy of the package too.
 *
 * @param core what this copy's `forRoot()` makes the client with
 */
export function checkOnlyRoot(modules: ModulesContainer, core: Type): void {
  const roots = rootsIn(modules);
  if (roots.length <= 1) return;
  const twice =
    'CallbacksModule.forRoot() is imported twice in one application: import it once, in the root module.';
  throw new CallbacksConfigurationError(
    roots.every((root) => isOf(core, root)) ? twice : `${twice} ${COPIES}`,
  );
}

/** Refuses a feature without the `forRoot()` of the same copy, for which it would wait for ever. */
export function checkRootOf(feature: string, modules: ModulesContainer, core: Type): void {
  const [root] = rootsIn(modules);
  if (root === undefined) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.forFeature("${feature}") needs CallbacksModule.forRoot() in the root module's imports.`,
    );
  }
  if (!isOf(core, root)) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.forFeature("${feature}") and CallbacksModule.forRoot() come from two copies of nestjs-llm-callbacks. ${COPIES}`,
    );
  }
}

function rootsIn(modules: ModulesContainer): HostModule[] {
  return [...modules.values()].filter(({ providers }) => providers.has(ROOT_CLIENT));
}

/** By what its client is made with: every module imports what is global, the machinery of another copy too. */
function isOf(core: Type, { providers }: HostModule): boolean {
  return providers.get(ROOT_CLIENT)?.inject?.includes(core) ?? false;
}
