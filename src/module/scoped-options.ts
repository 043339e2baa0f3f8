import { Scope } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { featureOfToken, CALLBACKS_OPTIONS } from './module.constants.js';

/**
 * Refuses options that need a request: clients are made once, when the application starts. They may need it by any
 * provider that they inject, by its scope or by `REQUEST`; durable providers need one too.
 *
 * @param token that of the options; all are checked without it
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

/** Whose options a token holds. */
function methodOf(token: unknown): string | undefined {
  if (token === CALLBACKS_OPTIONS) return 'forRootAsync';
  const feature = featureOfToken(token);
  return feature === undefined ? undefined : `forFeatureAsync("${feature}")`;
}

/**
 * What makes a provider request-scoped: itself, or what it injects, as far as that is known yet. Nest's own answer is
 * remembered, and would be wrong for good if it were asked for while the application is built.
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
    // What is not resolved yet has left a hole.
    open.push(...injected.filter((one) => one !== undefined));
  }
  return undefined;
}

function nameOf({ token }: InstanceWrapper): string {
  return typeof token === 'function' ? token.name : String(token);
}
