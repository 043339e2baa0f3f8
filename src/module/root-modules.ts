import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { ROOT_CLIENT } from './module.constants.js';

type HostModule = ModulesContainer extends Map<string, infer M> ? M : never;

/** The advice for two copies of the package in one application. */
const COPIES =
  'See `npm ls nestjs-llm-callbacks`: the application needs exactly one copy, and its libraries the package as a peer dependency.';

/**
 * Rejects a second `forRoot()` in one application, also one of another copy of the package.
 *
 * @param core the core module of this copy's `forRoot()`
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

/** Rejects a feature without the `forRoot()` of the same copy: it would wait for it forever. */
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

/**
 * Compares injected dependencies, because every module imports global modules, including another copy's core module.
 */
function isOf(core: Type, { providers }: HostModule): boolean {
  return providers.get(ROOT_CLIENT)?.inject?.includes(core) ?? false;
}
