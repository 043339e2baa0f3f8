import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { ContextStore, type Frame } from '../../../src/runs/run-context.js';
import { ask, HELLO, METHODS, says, useBench, WIRES } from '../../support/wire/index.js';
import { newClient } from '../../support/wire/sdk-clients.js';

describe.each(WIRES)("A client's own code, of $name", (wire) => {
  describe('when the library creates the client', () => {
    const bench = useBench(wire);
    afterEach(() => void jest.restoreAllMocks());

    it.each(METHODS)(
      'runs outside the async context, which would cost time in Node, by %s',
      async (method) => {
        const { fetch } = globalThis;
        const places: (Frame | undefined)[] = [];
        jest.spyOn(globalThis, 'fetch').mockImplementation((...request) => {
          places.push(bench.app.get(ContextStore).current);
          return fetch(...request);
        });
        bench.server.answers(says(wire, method, HELLO));
        expect((await ask(bench.llm, method)).text).toBe('Hello, world');
        expect(places).toEqual([undefined]);
      },
    );
  });

  describe('when the application provides it', () => {
    const bench = useBench(wire, {
      llm: (origin) => ({
        client: newClient(wire, origin, {
          fetch: async (...request: Parameters<typeof fetch>) => {
            await bench.app.get(CallbacksService).chain('sign', {}, () => 'signed');
            return fetch(...request);
          },
        }),
      }),
    });

    it.each(METHODS)('starts runs inside the call, by %s', async (method) => {
      bench.server.answers(says(wire, method, HELLO));
      await ask(bench.llm, method);
      const [call] = bench.recording.of('llm.start');
      expect(bench.recording.of('chain.start')).toMatchObject([{ parentRunId: call!.runId }]);
    });
  });
});
