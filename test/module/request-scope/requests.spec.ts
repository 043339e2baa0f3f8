import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import {
  AgentService,
  Callbacks,
  CallbacksService,
  InterceptAgent,
  InterceptLlm,
  InterceptTool,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  OnLlmStreamChunk,
  OnToolStart,
  Tool,
  type AgentNext,
  type InterceptedAgentCall,
  type InterceptedLlmCall,
  type InterceptedToolCall,
  type LlmNext,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../../support/app.js';
import { logs } from '../../support/logs.js';
import { callsTool, platforms, serve, Visit } from './support.js';

/** The recorded events, with the visit of the instance that received them. */
let handled: { by: object; what: string; visit: Visit }[];
/** The visits of controllers. */
let visits: Visit[];
beforeEach(() => {
  handled = [];
  visits = [];
});
afterEach(closeApps);

const ANYTHING = { type: 'object', properties: { goal: { type: 'string' } } } as const;

/** Is request-scoped because its `Visit` is. */
@Injectable()
class VisitHooks {
  constructor(readonly visit: Visit) {}
  @OnLlmStart() start() {
    handled.push({ by: this, what: 'start', visit: this.visit });
  }
  @OnLlmEnd() end() {
    handled.push({ by: this, what: 'end', visit: this.visit });
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedDesk {
  constructor(
    private readonly visit: Visit,
    private readonly llm: LlmService,
  ) {
    visits.push(visit);
  }
  @Get() async ask() {
    return (await this.llm.generate('hi')).text;
  }
}

@Controller('static')
class StaticDesk {
  constructor(
    private readonly llm: LlmService,
    private readonly callbacks: CallbacksService,
  ) {}
  @Get() async ask() {
    return (await this.llm.generate('hi')).text;
  }
  @Get('run') async askInside() {
    return this.callbacks.run({ tags: ['inner'] }, () => this.ask());
  }
  @Get('stream') async stream() {
    return (await this.llm.stream('hi').response).text;
  }
}

describe.each(platforms)('In a request on %s, a request-scoped handler', (platform) => {
  it('is the request’s instance, with the same dependencies as its controller', async () => {
    const { ask } = await serve(platform, {
      providers: [VisitHooks, Visit],
      controllers: [ScopedDesk],
    });
    await ask('', 'ada');
    await ask('', 'bob');
    expect(handled.map(({ what, visit }) => `${what} ${visit.user}`)).toEqual([
      'start ada',
      'end ada',
      'start bob',
      'end bob',
    ]);
    expect(handled[1]!.visit).toBe(visits[0]);
    expect(handled[3]!.visit).toBe(visits[1]);
  });

  it('has one instance per request with a singleton controller, and can inject the request', async () => {
    const { ask } = await serve(platform, {
      providers: [VisitHooks, Visit],
      controllers: [StaticDesk],
    });
    await ask('static', 'ada');
    await ask('static', 'bob');
    expect(handled.map(({ visit }) => visit.user)).toEqual(['ada', 'ada', 'bob', 'bob']);
    expect(handled[0]!.by).toBe(handled[1]!.by);
    expect(handled[1]!.by).not.toBe(handled[2]!.by);
  });

  it('can be the controller itself', async () => {
    const answering: object[] = [];
    @Controller({ scope: Scope.REQUEST })
    class Listening extends ScopedDesk {
      @OnLlmEnd() end() {
        handled.push({ by: this, what: 'end', visit: visits.at(-1)! });
      }
      @Get('listening') listen() {
        answering.push(this);
        return this.ask();
      }
    }
    const { ask } = await serve(platform, { providers: [Visit], controllers: [Listening] });
    await ask('listening');
    expect(handled.map(({ by }) => by)).toEqual(answering);
    expect(visits).toHaveLength(1);
  });

  it('can be a Callbacks class, a factory under its class, and a class under another token, with aliases', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Named extends Callbacks {
      constructor(private readonly visit: Visit) {
        super();
      }
      override onLlmEnd() {
        handled.push({ by: this, what: this.constructor.name, visit: this.visit });
      }
    }
    class Made extends Named {}
    class Token extends Named {}
    const providers = [
      Visit,
      Named,
      { provide: Made, useFactory: (visit: Visit) => new Made(visit), inject: [Visit] },
      { provide: 'token', useClass: Token, scope: Scope.REQUEST },
      { provide: 'alias', useExisting: Made },
    ];
    const { ask } = await serve(platform, { providers, controllers: [ScopedDesk] });
    await ask();
    expect(handled.map(({ what }) => what)).toEqual(['Named', 'Made', 'Token']);
    expect(new Set(handled.map(({ visit }) => visit))).toEqual(new Set(visits));
    expect(logs).toEqual([]);
  });

  it('is the same inside callbacks.run, and for runs that other handlers start', async () => {
    @Injectable()
    class Asking {
      constructor(private readonly llm: LlmService) {}
      @OnLlmEnd() async again() {
        await this.llm.generate('again');
      }
    }
    const { ask } = await serve(platform, {
      providers: [VisitHooks, Visit, Asking],
      controllers: [StaticDesk],
    });
    await ask('static/run');
    expect(handled).toHaveLength(4);
    expect(new Set(handled.map(({ by }) => by)).size).toBe(1);
  });

  it('receives the chunks of a stream', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Pieces {
      readonly #texts: string[] = [];
      @OnLlmStreamChunk() piece({ chunk }: { chunk: { type: string; text?: string } }) {
        this.#texts.push(chunk.text ?? '');
      }
      @OnLlmEnd() end() {
        handled.push({ by: this, what: this.#texts.join('|'), visit: undefined as never });
      }
    }
    const { ask } = await serve(platform, { providers: [Pieces], controllers: [StaticDesk] });
    await Promise.all([ask('static/stream'), ask('static/stream')]);
    expect(handled.map(({ what }) => what)).toEqual(['one| two| three', 'one| two| three']);
    expect(handled[0]!.by).not.toBe(handled[1]!.by);
  });

  it('shares its request with request-scoped tools, also those of a nested agent', async () => {
    @Injectable()
    class VisitTools extends VisitHooks {
      @OnToolStart() tool() {
        handled.push({ by: this, what: 'tool', visit: this.visit });
      }
      @Tool({ description: 'Who is asking.', parameters: ANYTHING }) whoAmI() {
        handled.push({ by: this, what: 'called', visit: this.visit });
        return this.visit.user;
      }
    }
    @Controller()
    class AgentDesk {
      constructor(private readonly agents: AgentService) {}
      @Get() async ask() {
        const inner = this.agents.create({ name: 'inner', tools: [VisitTools] });
        return (await this.agents.create({ tools: [inner.asTool()] }).run('who?')).output;
      }
    }
    const { ask } = await serve(
      platform,
      { providers: [VisitTools, Visit], controllers: [AgentDesk] },
      { llm: { provider: callsTool, model: 'fake' }, agent: {} },
    );
    expect(await ask('', 'ada')).toBe('ada');
    expect(handled.filter(({ what }) => what === 'called')).toHaveLength(1);
    expect(handled.filter(({ what }) => what === 'tool')).toHaveLength(2);
    expect(new Set(handled.map(({ by }) => by)).size).toBe(1);
  });
});

describe.each(platforms)('In a request on %s, a request-scoped interceptor', (platform) => {
  it('of calls, tools and agents is the instance of the request', async () => {
    @Injectable()
    class Around extends VisitHooks {
      @InterceptAgent() agent(_call: InterceptedAgentCall, next: AgentNext) {
        handled.push({ by: this, what: 'agent', visit: this.visit });
        return next();
      }
      @InterceptLlm() llm(_call: InterceptedLlmCall, next: LlmNext) {
        handled.push({ by: this, what: 'llm', visit: this.visit });
        return next();
      }
      @InterceptTool() tool(_call: InterceptedToolCall, next: ToolNext) {
        handled.push({ by: this, what: 'tool', visit: this.visit });
        return next();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Tools {
      constructor(private readonly visit: Visit) {}
      @Tool({ description: 'Who is asking.', parameters: ANYTHING }) whoAmI() {
        visits.push(this.visit);
        return this.visit.user;
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class AgentDesk extends ScopedDesk {
      constructor(
        visit: Visit,
        private readonly model: LlmService,
        private readonly agent: AgentService,
      ) {
        super(visit, model);
      }
      @Get('agent') async run() {
        await this.model.stream('hi').response;
        return (await this.agent.run('who?')).output;
      }
    }
    const { ask } = await serve(
      platform,
      { providers: [Around, Tools, Visit], controllers: [AgentDesk] },
      { llm: { provider: callsTool, model: 'fake' }, agent: { tools: [Tools] } },
    );
    expect(await ask('agent', 'ada')).toBe('ada');
    expect(handled.map(({ what }) => what).filter((what) => !/start|end/.test(what))).toEqual([
      'llm',
      'agent',
      'llm',
      'tool',
      'llm',
    ]);
    expect(new Set(handled.map(({ by }) => by)).size).toBe(1);
    expect(new Set([...visits, ...handled.map(({ visit }) => visit)]).size).toBe(1);
  });
});

describe('A module that is lazily loaded inside a request', () => {
  it('receives the events of that request on its own instance', async () => {
    @Module({ providers: [VisitHooks, Visit] })
    class LateModule {}
    @Controller()
    class Loading {
      constructor(
        private readonly llm: LlmService,
        private readonly loader: LazyModuleLoader,
      ) {}
      @Get() async ask() {
        await this.loader.load(() => LateModule);
        return (await this.llm.generate('hi')).text;
      }
    }
    const { ask } = await serve('Express', { controllers: [Loading] });
    await ask('', 'ada');
    expect(handled.map(({ visit }) => visit.user)).toEqual(['ada', 'ada']);
  });
});

describe('REQUEST in a request-scoped handler', () => {
  it('is the object that Nest has registered for a request-scoped controller', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Seeing {
      constructor(@Inject(REQUEST) private readonly request: unknown) {}
      @OnLlmEnd() end() {
        seen.push(this.request);
      }
    }
    const { ask } = await serve('Express', {
      providers: [Visit, Seeing],
      controllers: [ScopedDesk],
    });
    await ask();
    expect(seen).toEqual([visits[0]!.request]);
  });
});
