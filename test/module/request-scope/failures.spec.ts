import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import {
  AgentService,
  CallbackTimeoutError,
  LlmService,
  OnCallbackError,
  OnLlmEnd,
  OnLlmStart,
  OnLlmStreamChunk,
  Tool,
  type CallbackErrorEvent,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../../support/app.js';
import { logs } from '../../support/logs.js';
import { errorOf, readAll } from '../../support/wire/index.js';
import { callsTool, serve } from './support.js';

let received: string[];
let failed: CallbackErrorEvent[];
beforeEach(() => {
  received = [];
  failed = [];
});
afterEach(closeApps);

@Injectable()
class Failures {
  @OnCallbackError() note(event: CallbackErrorEvent) {
    failed.push(event);
  }
}

const broken = new Error('no database');

@Injectable({ scope: Scope.REQUEST })
class Broken {
  constructor() {
    throw broken;
  }
  @OnLlmEnd() end() {
    received.push('never');
  }
}

describe('A request-scoped handler whose instance cannot be created', () => {
  it('is reported, and the run continues', async () => {
    const { llm } = await startApp({ providers: [Broken, Failures] });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(failed.map(({ handler, error }) => [handler, error])).toEqual([['Broken.end', broken]]);
    expect(logs.map(({ message }) => message)).toContain(
      'Broken.end failed on llm.end: no database',
    );
    expect(received).toEqual([]);
  });

  it('fails the run with its error if it is critical', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Critical extends Broken {
      @OnLlmStart({ critical: true }) gate() {}
    }
    const { llm, fake } = await startApp({ providers: [Critical] });
    expect(await errorOf(llm.generate('hi'))).toBe(broken);
    expect(fake.requests).toEqual([]);
  });

  it('is created again for the next event', async () => {
    let attempts = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Recovering {
      constructor() {
        if (++attempts === 1) throw broken;
      }
      @OnLlmStart() start() {
        received.push('start');
      }
      @OnLlmEnd() end() {
        received.push('end');
      }
    }
    const { llm } = await startApp({ providers: [Recovering, Failures] });
    await llm.generate('hi');
    expect(received).toEqual(['end']);
    expect(failed.map(({ handler }) => handler)).toEqual(['Recovering.start']);
  });

  it('is no longer awaited after its timeoutMs', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Slow {
      constructor(@Inject('never') _never: unknown) {}
      @OnLlmEnd({ timeoutMs: 5 }) end() {}
    }
    const never = {
      provide: 'never',
      scope: Scope.REQUEST,
      useFactory: () => new Promise(() => undefined),
    };
    const { llm } = await startApp({ providers: [Slow, never, Failures] });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(failed[0]?.error).toBeInstanceOf(CallbackTimeoutError);
  });

  it('is reported if its factory created something else', async () => {
    class Promised {
      @OnLlmEnd() end() {}
    }
    const providers = [
      Failures,
      { provide: Promised, scope: Scope.REQUEST, useFactory: () => ({ other: true }) },
    ];
    const { llm } = await startApp({ providers });
    await llm.generate('hi');
    expect(failed.map(({ error }) => error)).toMatchObject([
      { message: expect.stringMatching(/^Promised\.end cannot be called: .*factory/) },
    ]);
  });

  it('is reported for each chunk, and the stream continues', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Pieces extends Broken {
      @OnLlmStreamChunk() piece() {}
      override end() {}
    }
    const { llm } = await startApp({ providers: [Pieces, Failures] }, { answers: ['one two'] });
    expect(await readAll(llm.stream('hi'))).toHaveLength(2);
    expect(failed.map(({ handler }) => handler)).toEqual(['Pieces.piece', 'Pieces.piece']);
  });
});

it('A request-scoped tool whose instance cannot be created is a failed call, sent to the model as an error', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class BrokenTools {
    constructor() {
      throw broken;
    }
    @Tool({ description: 'Looks.', parameters: { type: 'object' } }) look() {}
  }
  const { module } = await startApp(
    { providers: [BrokenTools] },
    { llm: { provider: callsTool, model: 'fake' }, agent: { tools: ['look'] } },
  );
  expect((await module.get(AgentService).run('go')).output).toMatch(/^Error: /);
});

describe('A request-scoped handler that calls a model itself', () => {
  it('does not receive events of that call', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Asking {
      constructor(private readonly llm: LlmService) {}
      @OnLlmEnd() async end({ text }: { text: string }) {
        received.push(text);
        await this.llm.generate('again');
      }
    }
    const { llm } = await startApp({ providers: [Asking] }, { answers: ['one', 'two'] });
    await llm.generate('hi');
    expect(received).toEqual(['one']);
  });

  it('during its creation does not wait for itself, nor for another provider that is created by the same call', async () => {
    @Injectable()
    class One {
      constructor(@Inject('greeting') readonly greeting: string) {}
      @OnLlmEnd() end() {
        received.push(`${this.constructor.name} ${this.greeting}`);
      }
    }
    @Injectable()
    class Two extends One {}
    const greeting = {
      provide: 'greeting',
      scope: Scope.REQUEST,
      inject: [LlmService],
      useFactory: async (model: LlmService) => (await model.generate('greet')).text,
    };
    @Controller()
    class Desk {
      constructor(private readonly llm: LlmService) {}
      @Get() async ask() {
        return (await this.llm.generate('hi')).text;
      }
    }
    const { ask } = await serve('Express', {
      providers: [One, Two, greeting],
      controllers: [Desk],
    });
    await ask();
    expect(received.slice(-2)).toEqual(['One one two three', 'Two one two three']);
  });
});
