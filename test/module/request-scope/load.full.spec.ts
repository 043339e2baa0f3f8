import { Agent, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Scope, type ExecutionContext } from '@nestjs/common';
import {
  AgentService,
  CallbacksService,
  InterceptLlm,
  InterceptTool,
  LlmService,
  OnAnyEvent,
  OnLlmEnd,
  OnLlmStreamChunk,
  Tool,
  type CallbackEvent,
  type InterceptedLlmCall,
  type InterceptedToolCall,
  type LlmEndEvent,
  type LlmNext,
  type ToolContext,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../../support/app.js';
import { callsTool, platforms, serve, Visit, type HttpRequest } from './support.js';

const REQUESTS = 1_000;
/** Fewer than the 511 connections in a server's backlog: a busy machine would reset the others. */
const SOCKETS = 400;
/** How long a request takes depends on the machine only: neither the test nor the server sets it a time. */
const TIMEOUT_MS = 30 * 60_000;
const PATIENT = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 };

afterEach(closeApps);

/** The users that each part of the request has seen; each part adds its own. */
@Injectable({ scope: Scope.REQUEST })
class Sightings {
  readonly #seen = new Map<string, Set<string | undefined>>();

  constructor(private readonly visit: Visit) {}

  saw(part: string, ...users: (string | undefined)[]): void {
    const seen = this.#seen.get(part) ?? new Set();
    for (const user of [this.visit.user, ...users]) seen.add(user);
    this.#seen.set(part, seen);
  }

  get report(): Record<string, (string | undefined)[]> {
    return Object.fromEntries([...this.#seen].map(([part, users]) => [part, [...users]]));
  }
}

@Injectable()
class ScopedHandler {
  constructor(private readonly sightings: Sightings) {}
  @OnAnyEvent() async received(event: CallbackEvent) {
    this.sightings.saw(`${event.type} before`, event.userId);
    await turn();
    this.sightings.saw(event.type, event.userId);
  }
  @OnLlmStreamChunk() chunk(event: CallbackEvent) {
    this.sightings.saw('chunk', event.userId);
  }
}

@Injectable()
class ScopedTools {
  constructor(private readonly sightings: Sightings) {}
  @Tool({ description: 'Who is asking.', parameters: { type: 'object' } })
  async whoAmI(_args: unknown, { context }: ToolContext) {
    await turn();
    this.sightings.saw('tool', context.userId);
    return context.userId;
  }
}

@Injectable()
class ScopedInterceptor {
  constructor(private readonly sightings: Sightings) {}
  @InterceptLlm() async llm({ event }: InterceptedLlmCall, next: LlmNext) {
    await turn();
    this.sightings.saw('around llm', event.userId);
    return next();
  }
  @InterceptTool() async tool({ event }: InterceptedToolCall, next: ToolNext) {
    const result = await next();
    this.sightings.saw('around tool', event.userId, result as string);
    return result;
  }
}

/** The users that parts outside of the request's providers have seen, by the request's id. */
@Injectable()
class StaticHandler {
  readonly users = new Map<string, Set<string | undefined>>();
  @OnAnyEvent() received({ requestId, userId }: CallbackEvent) {
    const users = this.users.get(requestId) ?? new Set();
    this.users.set(requestId, users.add(userId));
  }
}

/** The users that background work has seen, by the request's id. */
@Injectable()
class BackgroundUsers {
  readonly users = new Map<string, Set<string | undefined>>();
  saw(requestId: string, ...users: (string | undefined)[]): void {
    const seen = this.users.get(requestId) ?? new Set();
    for (const user of users) seen.add(user);
    this.users.set(requestId, seen);
  }
}

/** May run after the request is over; {@link StaticHandler} records the user of its call. */
@Injectable()
class InBackground {
  constructor(
    private readonly visit: Visit,
    private readonly done: BackgroundUsers,
    private readonly llm: LlmService,
  ) {}
  @OnLlmEnd({ background: true, when: ({ fromCallback }) => fromCallback === undefined })
  async work({ requestId, userId }: LlmEndEvent) {
    await turn();
    this.done.saw(requestId, userId, this.visit.user);
    await this.llm.generate('from the background');
  }
}

@Controller()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
    private readonly sightings: Sightings,
  ) {}
  @Get() async ask() {
    const [{ output }] = await Promise.all([
      this.agent.run('who?'),
      this.llm.stream('hi').response,
    ]);
    this.sightings.saw('controller', output);
    return this.sightings.report;
  }
}

/** Lets other requests proceed. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The parts of each request; add new parts of the application above here. */
const PARTS = 'agent.start agent.step agent.end tool.start tool.end llm.start llm.chunk llm.end'
  .split(' ')
  .flatMap((type) => [`${type} before`, type])
  .concat('around llm', 'around tool', 'chunk', 'controller', 'tool');

it.each(platforms)(
  `On %s no part of ${REQUESTS} concurrent requests sees another’s context`,
  async (platform) => {
    const providers = [
      Visit,
      Sightings,
      ScopedHandler,
      ScopedInterceptor,
      ScopedTools,
      StaticHandler,
      BackgroundUsers,
      InBackground,
    ];
    const { app, url } = await serve(
      platform,
      { providers, controllers: [Desk] },
      {
        llm: { provider: callsTool, model: 'fake' },
        agent: { tools: [ScopedTools] },
        context: (host: ExecutionContext) => ({
          userId: host.switchToHttp().getRequest<HttpRequest>().headers['x-user'],
        }),
      },
    );
    Object.assign(app.getHttpServer() as object, PATIENT);
    const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
    const numbers = Array.from({ length: REQUESTS }, (_, number) => number);
    const reports = await Promise.all(numbers.map((number) => report(url, agent, number)));
    agent.destroy();
    await app.get(CallbacksService).flush();

    const { users } = app.get(StaticHandler);
    const { users: inBackground } = app.get(BackgroundUsers);
    const mixedUp = numbers.filter((number) => {
      const onlyOwn = [`user-${number}`];
      const seen = JSON.parse(reports[number]!) as Record<string, string[]>;
      const id = `request-${number}`;
      const all = [...Object.values(seen), [...users.get(id)!], [...inBackground.get(id)!]];
      const isComplete = Object.keys(seen).length === PARTS.length;
      return !isComplete || !all.every((names) => isDeepStrictEqual(names, onlyOwn));
    });
    expect(mixedUp).toEqual([]);
    expect(Object.keys(JSON.parse(reports[0]!) as object).toSorted()).toEqual(PARTS.toSorted());
    expect(users.size).toBe(REQUESTS);
  },
  TIMEOUT_MS,
);

async function report(url: string, agent: Agent, number: number): Promise<string> {
  const headers = { 'x-user': `user-${number}`, 'x-request-id': `request-${number}` };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent, headers }, resolve).on('error', reject);
  });
  return text(response);
}
