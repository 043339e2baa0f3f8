import { brand } from '../../../util/brand.js';
import { CallbacksError } from '../../../errors/callbacks-error.js';

/** Carries what a function of the application threw through a provider, so that the caller gets it as it is. */
export class CallerFault extends CallbacksError {
  static {
    brand(this, 'error:CallerFault');
  }

  constructor(readonly thrown: unknown) {
    super('A function of the application failed.', { cause: thrown });
  }
}
