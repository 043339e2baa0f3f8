import 'reflect-metadata';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { nearest } from '../util/known-options.js';

/** The symbols of named clients: `@InjectLlm('support')` uses `nestjs-llm-callbacks:llm:support`. */
const CLIENT_TOKEN = /^nestjs-llm-callbacks:(?<kind>llm|agent):(?<name>.*)$/s;
/** Where Nest stores the tokens of `@Inject()` for a constructor's parameters, and for properties. */
const PARAMETERS = 'self:paramtypes';
const PROPERTIES = 'self:properties_metadata';

/**
 * Rejects the injection of an unknown client, or of one that a module does not import. For Nest, clients injected by
 * name are optional, because its own error would contain neither the name nor the known clients.
 */
export function checkInjectedClients(modules: Iterable<Module>): void {
  const all = [...modules];
  for (const module of all) {
    for (const collection of [module.providers, module.controllers, module.injectables]) {
      for (const wrapper of collection.values()) checkProvider(wrapper, module, all);
    }
  }
}

function checkProvider(wrapper: InstanceWrapper, module: Module, all: readonly Module[]): void {
  for (const token of injectedByName(wrapper)) {
    const { kind, name = '' } = clientOf(token);
    if (kind === undefined || sees(module, token)) continue;
    const what = kind === 'llm' ? 'client' : 'agent';
    const wants = `${String(wrapper.name)} in ${module.name} wants the ${what} "${name}"`;
    if (all.some(({ providers }) => providers.has(token as symbol))) {
      throw new CallbacksConfigurationError(
        `${wants}, which ${module.name} does not import: keep CallbacksModule.forFeature({ name: '${name}' }) in a variable, and list it under "imports" there too.`,
      );
    }
    const known = ['default', ...new Set(all.flatMap(namesIn))];
    const near = nearest(name, known);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new CallbacksConfigurationError(
      `${wants}, but no client has that name.${hint} Known are: ${known.join(', ')}; others come from CallbacksModule.forFeature({ name }).`,
    );
  }
}

/** The tokens that decorators of a class inject. */
function injectedByName({ metatype }: InstanceWrapper): unknown[] {
  if (typeof metatype !== 'function') return [];
  const parameters = Reflect.getMetadata(PARAMETERS, metatype) as { param: unknown }[] | undefined;
  const properties = Reflect.getMetadata(PROPERTIES, metatype) as { type: unknown }[] | undefined;
  return [
    ...(parameters ?? []).map(({ param }) => param),
    ...(properties ?? []).map(({ type }) => type),
  ];
}

function clientOf(token: unknown): { kind?: string; name?: string } {
  const key = typeof token === 'symbol' ? Symbol.keyFor(token) : undefined;
  return CLIENT_TOKEN.exec(key ?? '')?.groups ?? {};
}

function namesIn({ providers }: Module): string[] {
  return [...providers.keys()].flatMap((token) => {
    const { kind, name } = clientOf(token);
    return kind === 'llm' && name !== undefined ? [name] : [];
  });
}

/** Whether Nest finds a token for a module: its own, or one that an import exports; global modules are imported too. */
function sees({ providers, imports }: Module, token: unknown): boolean {
  const seen = new Set<Module>();
  const left = [...imports];
  if (providers.has(token as symbol)) return true;
  for (let module = left.pop(); module !== undefined; module = left.pop()) {
    if (seen.has(module)) continue;
    seen.add(module);
    const { exports } = module;
    if (exports.has(token as symbol) && module.providers.has(token as symbol)) return true;
    left.push(...[...module.imports].filter(({ metatype }) => exports.has(metatype)));
  }
  return false;
}
