import { IS_MINIFIED } from './build-probe.js';
/** A class that {@link brand} accepts, also an abstract one. */
interface BrandedClass {
  readonly name: string;
  readonly prototype: object;
}

/** The mark of a class: the same symbol in every copy of the package that a process has loaded. */
export function markOf(id: string): symbol {
  return Symbol.for(`nestjs-llm-callbacks:${id}`);
}

/** Marks a class whose name is a literal, which no minifier changes. */
const NAMED = markOf('named');

/**
 * Gives a class an identity that is independent of the copy of the package and of the build: `instanceof` accepts
 * instances of the same class of other copies, and `name` is a literal.
 *
 * A subclass without its own brand keeps the ordinary `instanceof` and its own name.
 *
 * @param id `error:Name` for errors, `class:Name` for others
 *
 * @example
 * ```ts
 * export class LlmTimeoutError extends LlmError {
 *   static {
 *     brand(this, 'error:LlmTimeoutError');
 *   }
 * }
 * ```
 */
export function brand(type: BrandedClass, id: `${'error' | 'class'}:${string}`): void {
  const mark = markOf(id);
  Object.defineProperties(type, {
    name: { value: id.slice(id.indexOf(':') + 1), configurable: true },
    [mark]: { value: true },
    [NAMED]: { value: true },
    [Symbol.hasInstance]: {
      value(this: unknown, value: unknown): boolean {
        // Subclasses inherit this method.
        return this === type ? hasMark(value, mark) : hasInstance.call(this, value);
      },
    },
  });
  Object.defineProperty(type.prototype, mark, { value: true });
}

/** Whether a class has its own literal name. */
function isNamed(type: object): boolean {
  return Object.hasOwn(type, NAMED);
}

const hasInstance = Function.prototype[Symbol.hasInstance] as (
  this: unknown,
  value: unknown,
) => boolean;

/** Checks prototypes only: mocks may pretend to have any property. */
function hasMark(value: unknown, mark: symbol): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && mark in prototype;
}

/** Something with a name: a class or a function. */
export type Named = Function;

/**
 * Names that minifiers and bundlers generate, and names of anonymous functions. An application may be minified while
 * its dependencies are not, so short names are suspect everywhere.
 */
const MADE_UP =
  /^$|^[\w$]{1,2}$|^[a-z_$][\w$]{2}$|^_?class_?\d*$|^default$|_default\d*$|^__WEBPACK_DEFAULT_EXPORT__$/;

/**
 * The name of a class or function if it is the same in every build of the application, so that other processes and
 * later versions can rely on it; otherwise `undefined`.
 */
export function stableName(named: Named): string | undefined {
  const { name } = named;
  if (isNamed(named) || isWritten(named)) return name;
  return IS_MINIFIED || MADE_UP.test(name) ? undefined : name;
}

/** The stable name of a class, or of its nearest base class that has one. */
export function nearestName(type: Named): string {
  for (
    let one: Named | null = type;
    typeof one === 'function' && one !== Function.prototype;
    one = Object.getPrototypeOf(one) as Named | null
  ) {
    const name = stableName(one);
    if (name !== undefined) return name;
  }
  return type.name;
}

/** Whether the source sets the name explicitly, as with `static readonly name = 'Audit'`. */
function isWritten(named: Named): boolean {
  const name = Object.getOwnPropertyDescriptor(named, 'name');
  return name !== undefined && (name.enumerable === true || name.get !== undefined);
}
