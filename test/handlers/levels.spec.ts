import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CallbackScope,
  CallbacksModule,
  CallbacksService,
  getLlmToken,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../support/app.js';

let received: string[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

/** A callback that records its name at each start. */
const note = (name: string) => ({ onLlmStart: () => void received.push(name) });

const client = (name: string, callbacks: object[] = []) =>
  CallbacksModule.forFeature({
    name,
    llm: { provider: new FakeLlm(always(name)), model: name },
    callbacks,
  });

@Injectable()
class Discovered {
  @OnLlmStart() start() {
    received.push('discovered');
  }
  @OnLlmStart({ scope: 'support' }) supported() {
    received.push('scope');
  }
}

@Injectable()
@CallbackScope('sales')
class SalesOnly {
  @OnLlmStart() start() {
    received.push('sales');
  }
  @OnLlmStart({ scope: ['support', 'sales'] }) both() {
    received.push('both');
  }
}

describe('The levels of handlers', () => {
  it('are combined in this order: listed, discovered, scope, instance, call', async () => {
    const { module } = await startApp(
      { imports: [client('support', [note('instance')])], providers: [Discovered] },
      { callbacks: [note('listed')] },
    );
    const llm = module.get<LlmService>(getLlmToken('support'), { strict: false });
    await llm.generate('hi', { callbacks: [note('call')] });
    expect(received).toEqual(['listed', 'discovered', 'scope', 'instance', 'call']);
  });

  it('are called by order first, then by level, then by registration', async () => {
    class Ordered {
      @OnLlmStart({ order: 1 }) last() {
        received.push('1');
      }
      @OnLlmStart({ order: -1 }) first() {
        received.push('-1');
      }
      @OnLlmStart({ order: Infinity }) innermost() {
        received.push('Infinity');
      }
    }
    const { llm } = await startApp({}, { callbacks: [new Ordered(), note('a'), note('b')] });
    await llm.generate('hi', { callbacks: [new Ordered(), note('c')] });
    expect(received).toEqual(['-1', '-1', 'a', 'b', 'c', '1', '1', 'Infinity', 'Infinity']);
  });

  it('call an object registered on several levels once, on the first', async () => {
    const once = note('once');
    const { llm } = await startApp({}, { callbacks: [once] });
    await llm.generate('hi', { callbacks: [note('before'), once, once] });
    expect(received).toEqual(['once', 'before']);
  });

  it('limit a scope to its client, by class, by decorator or by a list', async () => {
    const { module, llm } = await startApp({
      imports: [client('support'), client('sales')],
      providers: [Discovered, SalesOnly],
    });
    const receivedBy = async (name: string | undefined) => {
      received = [];
      const service = name ? module.get<LlmService>(getLlmToken(name), { strict: false }) : llm;
      await service.generate('hi');
      return received;
    };
    expect(await receivedBy(undefined)).toEqual(['discovered']);
    expect(await receivedBy('support')).toEqual(['discovered', 'scope', 'both']);
    expect(await receivedBy('sales')).toEqual(['discovered', 'sales', 'both']);
  });

  it('include the default scope', async () => {
    const { module, llm } = await startApp({ imports: [client('support')] });
    const callbacks = module.get(CallbacksService);
    callbacks.on(
      'llm.start',
      (event) => received.push(`${event.scope} of ${event.scopes.join()}`),
      {
        scope: 'default',
      },
    );
    await llm.generate('hi');
    await module.get<LlmService>(getLlmToken('support'), { strict: false }).generate('hi');
    expect(received).toEqual(['default of default']);
  });
});

describe('CallbacksService', () => {
  it('adds objects and functions, and removes them from runs in progress', async () => {
    const { module, llm } = await startApp({}, { answers: ['a b c'] });
    const callbacks = module.get(CallbacksService);
    const removeChunks = callbacks.on('llm.chunk', ({ index }) => {
      received.push(`chunk ${index}`);
      if (index === 1) removeChunks();
    });
    callbacks.add(note('object'), { onLlmEnd: () => void received.push('end') });
    await llm.stream('hi').response;
    expect(received).toEqual(['object', 'chunk 0', 'chunk 1', 'end']);
  });

  it('fixes the handlers of a run when it starts', async () => {
    const { module, llm } = await startApp();
    const callbacks = module.get(CallbacksService);
    callbacks.on(
      'llm.start',
      () => void callbacks.add({ onLlmEnd: () => void received.push('too late') }),
    );
    await llm.generate('hi');
    expect(received).toEqual([]);
    await llm.generate('hi');
    expect(received).toEqual(['too late']);
  });

  it('replaces the listed callbacks, never the discovered ones', async () => {
    const { module, llm } = await startApp(
      { providers: [Discovered], imports: [client('support')] },
      { callbacks: [note('listed')] },
    );
    const callbacks = module.get(CallbacksService);
    callbacks.setGlobalCallbacks([note('first')]);
    callbacks.setGlobalCallbacks([note('second')]);
    await llm.generate('hi');
    expect(received).toEqual(['second', 'discovered']);
  });

  it('lists the registered handlers', async () => {
    class Shown {
      @OnLlmEnd({ scope: 'support', order: 3, critical: true }) end() {}
    }
    const { module } = await startApp(
      { imports: [client('support')] },
      { callbacks: [new Shown()] },
    );
    expect(module.get(CallbacksService).handlers()).toEqual([
      { name: 'Shown.end', event: 'llm.end', scopes: ['support'], order: 3, critical: true },
    ]);
  });
});

describe('An LLM call made by a handler', () => {
  @Injectable()
  class Moderator {
    constructor(private readonly llm: LlmService) {}
    @OnLlmStart() async check(event: LlmStartEvent) {
      received.push(`moderator received ${event.prompt}`);
      await this.llm.generate(`is this fine: ${event.prompt}?`);
    }
  }

  it('is a root run with the request context, not dispatched to its own object or outer callbacks', async () => {
    const starts: LlmStartEvent[] = [];
    const { module, llm } = await startApp(
      { providers: [Moderator] },
      { callbacks: [{ onLlmStart: (event: LlmStartEvent) => void starts.push(event) }] },
    );
    await module
      .get(CallbacksService)
      .run({ userId: 'ada' }, () => llm.generate('hi', { callbacks: [note('call')] }));
    const [outer, inner] = starts;
    expect(received).toEqual(['moderator received hi', 'call']);
    expect(outer?.fromCallback).toBeUndefined();
    expect(inner).toMatchObject({
      prompt: 'is this fine: hi?',
      parentRunId: undefined,
      rootRunId: inner?.runId,
      requestId: outer?.requestId,
      traceId: outer?.traceId,
      userId: 'ada',
      fromCallback: { runId: outer?.runId, handler: 'Moderator.check' },
    });
  });

  it('does not recurse endlessly between two handlers', async () => {
    @Injectable()
    class Second extends Moderator {}
    const { llm, fake } = await startApp({ providers: [Moderator, Second] });
    await llm.generate('hi');
    // One call of the test; each handler makes one, which the other handler receives and answers with another call.
    expect(fake.requests).toHaveLength(5);
  });
});
