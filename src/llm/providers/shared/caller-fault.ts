import { brand } from '../../../util/brand.js';
import { CallbacksError } from '../../../errors/callbacks-error.js';

/** Carries an error of an application function through a provider, so that the caller gets it unchanged. */
export class CallerFault extends CallbacksError {
  static {
    brand(this, 'error:CallerFault');
  }

  constructor(readonly thrown: unknown) {
    super('A function of the application failed.', { cause: thrown });
  }
}
