import { afterEach, expect, it, jest } from '@jest/globals';
import { AgentService, LlmService } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { defer, errorOf } from '../support/wire/index.js';

afterEach(closeApps);

it('a replacement for LlmService receives a signal that fires with the agent’s signal', async () => {
  const { module } = await startApp({}, { answers: [] });
  const asked = defer<void>();
  jest.spyOn(module.get(LlmService), 'generate').mockImplementation((_input, options) => {
    const { signal } = { ...options };
    asked.resolve();
    return new Promise((_resolve, reject) =>
      signal!.addEventListener('abort', () => reject(signal!.reason as Error)),
    );
  });
  const stop = new AbortController();
  const running = errorOf(module.get(AgentService).run('go', { signal: stop.signal }));
  await asked.promise;
  stop.abort('enough');
  expect(await running).toMatchObject({ name: 'AbortError', cause: 'enough' });
});
