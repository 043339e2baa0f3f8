import { CallbacksConfigurationError } from '../../../errors/callbacks-error.js';

/**
 * Loads an SDK, an optional peer dependency, when its provider is used; if it is missing, the error explains how to
 * install it.
 */
export async function loadSdk<T>(
  provider: string,
  packageName: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new CallbacksConfigurationError(
      `The provider "${provider}" needs the package ${packageName}, which could not be loaded. Run: npm install ${packageName}`,
      { cause: error },
    );
  }
}
