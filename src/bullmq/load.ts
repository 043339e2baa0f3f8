import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** Loads an optional peer when it is needed; says how to install it when it is missing. */
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
