import { Scope } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { checkRedact } from '../redaction/redact-options.js';
import {
  isOptions,
  kindOf,
  optionNames,
  type OptionNames,
  unknownOption,
} from '../util/known-options.js';
import {
  type AsyncOptions,
  CALLBACKS_OPTIONS,
  type CallbacksModuleAsyncOptions,
  type CallbacksModuleOptions,
  type FeatureAsyncOptions,
  featureOfToken,
  type FeatureOptions,
} from './module-options.js';

const ROOT_NAMES = optionNames<CallbacksModuleOptions>({
  llm: true,
  agent: true,
  callbacks: true,
  context: true,
  prices: true,
  background: true,
  approvals: true,
  redact: true,
  isGlobal: true,
});
const FEATURE_NAMES = optionNames<FeatureOptions>({
  name: true,
  llm: true,
  agent: true,
  callbacks: true,
});
const ASYNC = {
  imports: true,
  inject: true,
  useFactory: true,
  useClass: true,
  useExisting: true,
} as const satisfies Record<keyof AsyncOptions<unknown>, true>;
const ASYNC_NAMES = {
  forRootAsync: optionNames<CallbacksModuleAsyncOptions>({ ...ASYNC, isGlobal: true }),
  forFeatureAsync: optionNames<FeatureAsyncOptions>({ ...ASYNC, name: true }),
};

/** Rejects unknown options of `forRoot`, and options of the wrong type. */
export function checkRootOptions(options: unknown): asserts options is CallbacksModuleOptions {
  const place = 'CallbacksModule.forRoot';
  checkCommon(place, options, ROOT_NAMES);
  const { context, prices, background, redact } = options as Record<string, unknown>;
  if (context !== undefined && typeof context !== 'function') {
    refuse(place, `context must be a function, as (host) => ({ userId }), not ${kindOf(context)}.`);
  }
  checkObject(place, 'prices', prices);
  checkObject(place, 'background', background);
  checkRedact(redact);
}

/** Rejects unknown options of a feature, and options of the wrong type. */
export function checkFeatureOptions(
  options: unknown,
  name: unknown,
): asserts options is FeatureOptions {
  checkCommon(`CallbacksModule.forFeature("${String(name)}")`, options, FEATURE_NAMES);
}

/** Rejects unknown keys of async options. */
export function checkAsyncOptions(options: unknown, method: keyof typeof ASYNC_NAMES): void {
  const place = `CallbacksModule.${method}`;
  checkNames(place, options, ASYNC_NAMES[method]);
  const { useFactory, inject } = options as Record<string, unknown>;
  if (useFactory !== undefined && typeof useFactory !== 'function')
    refuse(place, `useFactory must be a function, not ${kindOf(useFactory)}.`);
  if (inject !== undefined && !Array.isArray(inject))
    refuse(place, `inject must be a list of tokens, not ${kindOf(inject)}.`);
}

function checkCommon(place: string, options: unknown, known: OptionNames): void {
  checkNames(place, options, known);
  const { llm, agent, callbacks } = options as Record<string, unknown>;
  checkObject(place, 'llm', llm);
  checkObject(place, 'agent', agent);
  if (callbacks !== undefined && !Array.isArray(callbacks))
    refuse(place, `callbacks must be a list of objects, not ${kindOf(callbacks)}.`);
}

function checkNames(place: string, options: unknown, known: OptionNames): void {
  if (!isOptions(options)) refuse(place, `the options must be an object, not ${kindOf(options)}.`);
  const unknown = unknownOption(options, known);
  if (unknown !== undefined) refuse(place, `there is no ${unknown}.`);
}

function checkObject(place: string, name: string, value: unknown): void {
  if (value === undefined || isOptions(value)) return;
  refuse(place, `${name} must be an object, not ${kindOf(value)}; leave it out to have none.`);
}

function refuse(place: string, problem: string): never {
  throw new CallbacksConfigurationError(`${place}: ${problem}`);
}

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
