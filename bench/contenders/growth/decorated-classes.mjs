import { library } from '../library.mjs';
import { decorate } from '../nest.mjs';
import { manyClasses, METHODS } from './many-classes.mjs';

/** `count` provider classes of five decorated methods each, of all places or of one scope. */
export function decoratedClasses(count, scope) {
  const classes = manyClasses(count);
  for (const one of classes) {
    for (const [method, decorator] of Object.entries(METHODS)) {
      decorate(one.prototype, method, library[decorator]());
    }
    if (scope !== undefined) library.CallbackScope(scope)(one);
  }
  return classes;
}
