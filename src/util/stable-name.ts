import { isNamed } from './brand.js';
import { IS_MINIFIED } from './build-probe.js';

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
