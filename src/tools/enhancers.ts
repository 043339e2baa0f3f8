import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

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
export function checkEnhancers(prototype: object, method: string): string | undefined {
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
