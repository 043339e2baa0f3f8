import { Scope } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { featureOfToken, CALLBACKS_OPTIONS } from './module.constants.js';

/**
 * Rejects request-scoped options: clients are created once, when the application starts. Options are request-scoped
 * through any provider that they inject, by its scope or by `REQUEST`; durable providers count too.
 *
 * @param token the token of the options; without it, all options are checked
 */
export function refuseScopedOptions(modules: ModulesContainer, token?: symbol): void {
  for (const { providers } of modules.values()) {
    for (const [key, wrapper] of providers) {
      if (token !== undefined && key !== token) continue;
      const method = methodOf(key);
      const cause = method === undefined ? undefined : requestScopedIn(wrapper);
      if (cause === undefined) continue;
      throw new CallbacksConfigurationError(
        `CallbacksModule.${method}: its options depend on the request, by ${nameOf(cause)}, but clients are made once, when the application starts. Make the options without it, and choose the key, the server or the model of each call by llm.resolve: (context, { model }) => ({ apiKey, … }).`,
      );
    }
  }
}

/** The method whose options have this token. */
function methodOf(token: unknown): string | undefined {
  if (token === CALLBACKS_OPTIONS) return 'forRootAsync';
  const feature = featureOfToken(token);
  return feature === undefined ? undefined : `forFeatureAsync("${feature}")`;
}

/**
 * The provider that makes this one request-scoped: itself, or one that it injects, as far as known yet. Nest caches its
 * own result, which would stay wrong if it were computed while the application is built.
 */
function requestScopedIn(provider: InstanceWrapper): InstanceWrapper | undefined {
  const seen = new Set<InstanceWrapper>();
  const open = [provider];
  for (let wrapper = open.pop(); wrapper !== undefined; wrapper = open.pop()) {
    if (wrapper.scope === Scope.REQUEST) return wrapper;
    if (seen.has(wrapper)) continue;
    seen.add(wrapper);
    const properties = wrapper.getPropertiesMetadata() ?? [];
    const injected = [
      ...(wrapper.getCtorMetadata() ?? []),
      ...properties.map((one) => one.wrapper),
    ];
    // Unresolved dependencies are holes in the list.
    open.push(...injected.filter((one) => one !== undefined));
  }
  return undefined;
}

function nameOf({ token }: InstanceWrapper): string {
  return typeof token === 'function' ? token.name : String(token);
}
