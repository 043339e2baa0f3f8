import { request } from 'node:http';
import { once } from 'node:events';
import { Controller, Get, Injectable, Sse } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, it } from '@jest/globals';
import { map } from 'rxjs';
import { LlmEndEvent, LlmErrorEvent, LlmService, OnLlmEnd, OnLlmError } from 'nestjs-llm-callbacks';
import {
  costOf,
  defer,
  HELLO,
  says,
  silence,
  stalled,
  useBench,
  WIRES,
} from '../support/wire/index.js';

/** Settles with the terminal event of the test's only run. */
@Injectable()
class Terminal {
  readonly event = defer<LlmEndEvent | LlmErrorEvent>();

  @OnLlmEnd()
  @OnLlmError()
  ended(event: LlmEndEvent | LlmErrorEvent): void {
    this.event.resolve(event);
  }
}

@Controller()
class Desk {
  constructor(private readonly llm: LlmService) {}

  @Get('answer')
  async answer(): Promise<string> {
    return (await this.llm.generate('Hi')).text;
  }

  @Sse('stream')
  stream() {
    return this.llm
      .stream('Hi')
      .toObservable()
      .pipe(map((data) => ({ data })));
  }
}

const PLATFORMS = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;

describe.each(PLATFORMS)('An HTTP client of %s', (_name, http) => {
  describe.each(WIRES)('whose request calls $name', (wire) => {
    const bench = useBench(wire, {
      http: http as () => ExpressAdapter,
      controllers: [Desk],
      providers: [Terminal],
    });
    const terminal = () => bench.app.get(Terminal).event.promise;

    it('aborts a generated answer when it disconnects', async () => {
      bench.server.answers(silence);
      const client = request(`${await bench.url}/answer`).end();
      client.on('error', () => undefined);
      const { aborted } = await bench.server.exchange(0);
      client.destroy();
      expect(await terminal()).toMatchObject({
        type: 'llm.error',
        aborted: true,
        error: { name: 'AbortError', cause: expect.any(Error) },
      });
      expect(await aborted).toBe(true);
    });

    it('cancels a streamed answer when it disconnects', async () => {
      bench.server.answers(stalled(wire.opening, wire.text('Hello')));
      const client = request(`${await bench.url}/stream`).end();
      const [response] = (await once(client, 'response')) as [AsyncIterable<Buffer>];
      for await (const bytes of response) if (bytes.includes('"Hello"')) break;
      client.destroy();
      const event = (await terminal()) as LlmEndEvent;
      expect(event).toMatchObject({ type: 'llm.end', finishReason: 'cancelled', text: 'Hello' });
      expect(event.cost).toBeCloseTo(costOf(wire, event.usage), 12);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it('gets a whole stream when it stays connected', async () => {
      bench.server.answers(says(wire, 'stream', HELLO));
      const response = await fetch(`${await bench.url}/stream`);
      expect(await response.text()).toContain('data: {"type":"text","text":"Hello, world"}');
      expect(await terminal()).toMatchObject({ type: 'llm.end', finishReason: 'stop' });
    });

    it('gets a whole answer when it stays connected', async () => {
      bench.server.answers(says(wire, 'generate', HELLO));
      expect(await (await fetch(`${await bench.url}/answer`)).text()).toBe('Hello, world');
      expect(await terminal()).toMatchObject({ type: 'llm.end', finishReason: 'stop' });
    });
  });
});
