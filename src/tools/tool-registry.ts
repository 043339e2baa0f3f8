import { Injectable, type Type } from '@nestjs/common';
import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { SchemaCache } from '../schema/compile-schema.js';
import { Log } from '../util/log.js';
import { toolMethods } from './tool.decorator.js';
import { type CallableTool, type ToolDefinition, toTool } from './tool.js';

/** An entry in `tools` of an agent: the name of a discovered tool, a provider class with tools, or a definition. */
export type ToolReference = string | Type | ToolDefinition;

/** A method with `@Tool()`, as `callbacks.report()` shows it. */
export interface ToolReport {
  readonly name: string;
  /** `Class.method`. */
  readonly place: string;
  /** Whether a person must approve a call; `'asked'` if a function decides. */
  readonly needsApproval: boolean | 'asked';
}

interface Discovered {
  readonly tool: CallableTool;
  /** `Class.method`. */
  readonly place: string;
  readonly owner: object;
  /** The name of the module that provides it. */
  readonly module: string;
}

/** The tools of one application: the methods of providers that are decorated with `@Tool()`. */
@Injectable()
export class ToolRegistry {
  readonly #logger = new Log('Callbacks');
  readonly #byName = new Map<string, Discovered>();
  readonly #owners = new WeakSet<object>();
  readonly #schemas = new SchemaCache();
  readonly #defined = new WeakMap<object, CallableTool>();

  /**
   * Registers the tools of a provider, once per instance.
   *
   * @param module the name of the module that provides it
   * @param instance finds the instance to call, for a provider with many instances, which `owner` represents
   */
  discover(
    owner: object,
    module: string,
    instance: () => object | Promise<object> = () => owner,
  ): void {
    if (this.#owners.has(owner)) return;
    this.#owners.add(owner);
    const prototype = Object.getPrototypeOf(owner) as object;
    for (const [method, options] of toolMethods(prototype)) {
      const place = `${owner.constructor.name}.${method}`;
      const name = options?.name ?? method;
      const other = this.#byName.get(name);
      if (other !== undefined) throw sameName(name, other, { place, owner, module });
      const warning = checkEnhancers(prototype, method);
      if (warning !== undefined) this.#logger.warn(warning);
      const tool = toTool(name, options, place, this.#schemas, (args, context) => {
        const call = (target: object) =>
          (target as Record<string, CallableTool['execute']>)[method]!(args, context);
        const target = instance();
        return target instanceof Promise ? target.then(call) : call(target);
      });
      this.#byName.set(name, { tool, place, owner, module });
    }
  }

  /** The discovered tools, in the order of their discovery. */
  describe(): ToolReport[] {
    return [...this.#byName.values()].map(({ tool, place }) => ({
      name: tool.spec.name,
      place,
      needsApproval: typeof tool.needsApproval === 'function' ? 'asked' : tool.needsApproval,
    }));
  }

  /** The tools that an agent may call. */
  resolve(references: readonly ToolReference[], agent: string): CallableTool[] {
    const tools = references.flatMap((reference) => this.#resolve(reference, agent));
    const names = new Set<string>();
    for (const tool of new Set(tools)) {
      const { name } = tool.spec;
      if (names.has(name)) {
        throw new CallbacksConfigurationError(
          `The agent ${agent} has two tools that are named "${name}".`,
        );
      }
      names.add(name);
    }
    return [...new Set(tools)];
  }

  #resolve(reference: ToolReference, agent: string): CallableTool[] {
    if (typeof reference === 'string') return [this.#named(reference, agent)];
    if (typeof reference === 'function') return this.#ofClass(reference, agent);
    if (typeof reference !== 'object' || reference === null) {
      throw new CallbacksConfigurationError(
        `The agent ${agent} has a tool that is ${String(reference)}: give names, provider classes, or defineTool({ … }).`,
      );
    }
    let tool = this.#defined.get(reference);
    if (tool === undefined) {
      const { name } = reference;
      const place = `"${name}" of the agent ${agent}`;
      if (typeof reference.execute !== 'function') {
        throw new CallbacksConfigurationError(`The tool ${place}: it has no execute function.`);
      }
      tool = toTool(name, reference, place, this.#schemas, (args, context) =>
        reference.execute(args, context),
      );
      this.#defined.set(reference, tool);
    }
    return [tool];
  }

  #named(name: string, agent: string): CallableTool {
    const found = this.#byName.get(name);
    if (found) return found.tool;
    const known = [...this.#byName.keys()].join(', ') || 'none';
    throw new CallbacksConfigurationError(
      `The agent ${agent} wants the tool "${name}", but no provider has a method @Tool() of that name. Known are: ${known}.`,
    );
  }

  #ofClass(owner: Type, agent: string): CallableTool[] {
    const found = [...this.#byName.values()].filter((one) => one.owner instanceof owner);
    if (found.length > 0) return found.map(({ tool }) => tool);
    const isDecorated = toolMethods((owner.prototype ?? {}) as object).length > 0;
    const problem = isDecorated
      ? 'which no module provides: list the class under "providers" of a module that the application imports.'
      : 'which has none: decorate its methods with @Tool({ description }).';
    throw new CallbacksConfigurationError(
      `The agent ${agent} wants the tools of ${owner.name}, ${problem}`,
    );
  }
}

/** The error for two discovered tools with the same name, with advice. */
function sameName(
  name: string,
  a: Omit<Discovered, 'tool'>,
  b: Omit<Discovered, 'tool'>,
): CallbacksConfigurationError {
  const { constructor } = a.owner;
  return new CallbacksConfigurationError(
    constructor === b.owner.constructor && a.place === b.place
      ? `${constructor.name} is provided twice, in ${a.module} and in ${b.module}, and so is its tool "${name}". Keep it under "providers" of one module, list it under "exports" there, and import that module where it is needed.`
      : `Two tools are named "${name}": ${a.place} and ${b.place}. Give one of them another name: @Tool({ name }).`,
  );
}

/** Nest's decorators that only apply to requests, by their metadata key. */
const ENHANCERS: readonly [metadata: string, decorator: string][] = [
  ['__guards__', '@UseGuards()'],
  ['__pipes__', '@UsePipes()'],
  ['__interceptors__', '@UseInterceptors()'],
];
const FILTERS: readonly [metadata: string, decorator: string] = [
  '__exceptionFilters__',
  '@UseFilters()',
];

/** The metadata keys of methods that Nest calls for a request or a message: routes, message handlers, resolvers. */
const ENTRY_POINTS = [
  'path',
  'microservices:pattern',
  'websockets:message_mapping',
  'graphql:resolver_type',
  'graphql:resolve_property',
];

/**
 * Checks a tool and its class for Nest's guards, pipes, interceptors and exception filters, which do not run when an
 * agent calls the tool. An ignored guard would leave the tool unprotected.
 *
 * @returns a warning, if the class has its own entry points, for which they do run
 * @throws CallbacksConfigurationError if they would never run, or are on the tool itself
 */
function checkEnhancers(prototype: object, method: string): string | undefined {
  const { constructor } = prototype;
  const place = `${constructor.name}.${method}`;
  const tool = methodOf(prototype, method);
  const onMethod = enhancersOf(tool, ENHANCERS);
  if (onMethod !== '') throw refusal(place, `${onMethod} on it`);
  const onClass = enhancersOf(constructor, ENHANCERS);
  if (onClass !== '' && !hasEntryPoints(prototype)) throw refusal(place, `${onClass} on its class`);
  const filters = enhancersOf(tool, [FILTERS]) || enhancersOf(constructor, [FILTERS]);
  const ignored = [onClass, filters].filter((some) => some !== '').join(' and ');
  if (ignored === '') return undefined;
  return `${ignored} of ${constructor.name} do not run when an agent calls the tool ${place}, because there is no request: ${ADVICE}`;
}

const ADVICE =
  'check in the tool itself, by its ToolContext, in an @InterceptTool(), in a critical @OnToolStart(), or ask for approval by needsApproval.';

function refusal(place: string, what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(
    `The tool ${place} has ${what}, which would not run: Nest calls guards, pipes and interceptors for requests and messages, and a tool is called by an agent. Remove it, and ${ADVICE}`,
  );
}

/** The decorators among these that an object has, as text. Like Nest, includes inherited ones. */
function enhancersOf(of: object | undefined, among: readonly (readonly [string, string])[]) {
  return among
    .filter(([metadata]) => of !== undefined && Reflect.hasMetadata(metadata, of))
    .map(([, decorator]) => decorator)
    .join(', ');
}

function hasEntryPoints(prototype: object): boolean {
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      const method = methodOf(owner, name);
      if (method !== undefined && ENTRY_POINTS.some((key) => Reflect.hasMetadata(key, method)))
        return true;
    }
  }
  return false;
}

/** The function, read without calling getters. */
function methodOf(prototype: object, name: string): object | undefined {
  for (
    let owner: object | null = prototype;
    owner;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const found = Object.getOwnPropertyDescriptor(owner, name);
    if (found !== undefined)
      return typeof found.value === 'function' ? (found.value as object) : undefined;
  }
  return undefined;
}
