import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import {
  CallbacksModule,
  CallbacksService,
  LlmEndEvent,
  LlmService,
  reviveEvent,
  type CurrentContext,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';
import { Transport } from '../support/transport.js';

afterEach(closeApps);

@Controller()
class Desk {
  constructor(private readonly llm: LlmService) {}
  @Get('web') web() {
    return this.ask();
  }
  @MessagePattern('job') job(@Payload() _data: unknown) {
    return this.ask();
  }
  private async ask() {
    return (await this.llm.generate('Hi')).text;
  }
}

@Injectable()
class Orders {
  constructor(private readonly llm: LlmService) {}
  async orders() {
    return (await this.llm.generate('Hi')).text;
  }
  async total() {
    return (await this.llm.generate('Hi')).text;
  }
}

type Field = (root: unknown, args: object, context: object, info: object) => Promise<string>;

async function start() {
  const recording = new RecordingCallbacks();
  const seen: (CurrentContext | undefined)[] = [];
  const found: { callbacks?: CallbacksService } = {};
  const root = CallbacksModule.forRoot({
    llm: { provider: new FakeLlm(always('hello')), model: 'fake' },
    callbacks: [recording],
    context: () => {
      seen.push(found.callbacks?.current);
      return { conversationId: 'c1' };
    },
  });
  const module = await Test.createTestingModule({
    imports: [root],
    controllers: [Desk],
    providers: [Orders],
  })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication());
  found.callbacks = app.get(CallbacksService);
  return { app, recording, seen };
}

describe('The route of a run', () => {
  it('is the controller method, on events, in their JSON, and in `context` itself', async () => {
    const { app, recording, seen } = await start();
    await app.listen(0, '127.0.0.1');
    await (await fetch(`${await app.getUrl()}/web`)).text();
    const [, end] = recording.events;
    expect(end).toMatchObject({ route: 'Desk.web', conversationId: 'c1' });
    expect(seen).toMatchObject([{ route: 'Desk.web' }]);
    const json = end!.toJSON();
    const names = Object.keys(json);
    expect(names.slice(names.indexOf('traceId') + 1, names.indexOf('scope'))).toEqual([
      'conversationId',
      'route',
    ]);
    const revived = reviveEvent(JSON.parse(JSON.stringify(json)));
    expect(revived).toBeInstanceOf(LlmEndEvent);
    expect(revived).toMatchObject({ route: 'Desk.web', conversationId: 'c1' });
    expect(revived.toJSON()).toEqual(json);
  });

  it('is the handler of a message', async () => {
    const { app, recording } = await start();
    const strategy = new Transport();
    app.connectMicroservice({ strategy }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    await lastValueFrom(await strategy.ask('job', {}, {}));
    expect(recording.events.map(({ route }) => route)).toEqual(['Desk.job', 'Desk.job']);
  });

  it('is each resolver of one operation', async () => {
    const { app, recording } = await start();
    const orders = app.get(Orders);
    const none = undefined;
    const fields = (['orders', 'total'] as const).map(
      (name) =>
        app
          .get(ExternalContextCreator)
          .create(orders, orders[name], name, none, none, none, none, none, 'graphql') as Field,
    );
    app.use('/graphql', (req: object, res: { end(text: string): void }) => {
      const answers = fields.map((field) => field(none, {}, { req }, {}));
      void Promise.all(answers).then(() => res.end('done'));
    });
    await app.listen(0, '127.0.0.1');
    await (await fetch(`${await app.getUrl()}/graphql`)).text();
    const ends = recording.of('llm.end');
    expect(new Set(ends.map(({ route }) => route))).toEqual(
      new Set(['Orders.orders', 'Orders.total']),
    );
    expect(new Set(ends.map(({ requestId }) => requestId)).size).toBe(1);
  });

  it('is absent outside of requests', async () => {
    const { app, recording } = await start();
    await app.init();
    await app.get(LlmService).generate('Hi');
    expect(recording.events[1]!.toJSON()).not.toHaveProperty('route');
  });
});
