import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { compileLibrary } from '../support/second-process/compile.js';

const SCRIPT = join(process.cwd(), 'test/support/second-process/loaded-packages.mjs');

it('Packages that are slow to load are loaded when they are first used', async () => {
  const library = await compileLibrary();
  try {
    const application = fork(SCRIPT, [library.folder], { execArgv: [] });
    const [[steps]] = (await Promise.all([
      once(application, 'message'),
      once(application, 'exit'),
    ])) as [[object], unknown];
    const prices = '@pydantic/genai-prices';
    expect(steps).toEqual({
      started: [],
      called: [],
      priced: [prices],
      checked: [prices, 'ajv'],
      retrying: [prices, 'ajv', 'cockatiel'],
      traced: ['@opentelemetry/api', prices, 'ajv', 'cockatiel'],
    });
  } finally {
    library.remove();
  }
});
