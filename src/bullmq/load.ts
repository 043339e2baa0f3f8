import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** Loads an optional peer dependency on first use; if it is missing, the error describes how to install it. */
export async function load<T>(packageName: string, importing: () => Promise<T>): Promise<T> {
  try {
    return await importing();
  } catch (error) {
    throw new CallbacksConfigurationError(
      `BullmqJobQueue needs the package ${packageName}, which could not be loaded. Run: npm install ${packageName}`,
      { cause: error },
    );
  }
}
