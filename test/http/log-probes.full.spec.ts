import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Controller, Get, Module, Param, type Provider } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { APIError } from 'openai';
import {
  AgentService,
  CallbackAbort,
  CallbacksExceptionFilter,
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  defineTool,
  InjectLlm,
  LlmService,
  LoggingCallbacks,
  ToolExecutionError,
  type EventType,
} from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';

const KEY = 'sk-proj-PROBEKEY0123456789';
const PROMPT = 'PROBEPROMPT of a patient';
const HEADER = 'PROBEHEADER';
const RESULT = 'PROBERESULT';
const SECRETS = ['PROBEKEY', 'PROBEPROMPT', 'PROBEHEADER', 'PROBERESULT'];
/** Starts a new line, colors it, and reverses its direction. */
const FORGERY = '\r\n\u001b[32mFORGED [Nest] 1 - LOG all is well\u001b[0m\u202e\u2028FORGED';
const STATUSES = [400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 529];

interface Services {
  readonly openai: LlmService;
  readonly anthropic: LlmService;
  readonly llm: LlmService;
  readonly agents: AgentService;
  readonly callbacks: CallbacksService;
}

type Probe = readonly [name: string, run: (services: Services) => unknown];

/** An error as the SDK throws it for a server that echoes the request. */
function sdkError(): Error {
  const body = { message: `Incorrect API key ${KEY}; you asked: ${PROMPT}${FORGERY}` };
  const headers = new Headers({ authorization: `Bearer ${KEY}`, 'x-internal': HEADER });
  return APIError.generate(401, { error: body }, undefined, headers);
}

/** An error of an HTTP client, as axios throws it. */
function clientError(): Error {
  return Object.assign(new Error(`Request failed: ${PROMPT}`), {
    config: { headers: { authorization: KEY }, data: PROMPT },
    response: { data: RESULT, headers: { 'x-internal': HEADER } },
  });
}

const MADE: readonly [what: string, make: () => Error][] = [
  ['an error with a key', () => new Error(`The key ${KEY} is wrong.`)],
  ['an error with headers', () => new Error(`authorization: Bearer ${HEADER}${HEADER} was sent`)],
  ['an error with a forged line', () => new Error(`no${FORGERY}`)],
  ['an error with forged places', () => new Error(`no\n    at FORGED (x.js:1:1)${FORGERY}`)],
  ['an error with a forged name', () => Object.assign(new Error('no'), { name: `E${FORGERY}` })],
  [
    'an error with a forged stack',
    () => Object.assign(new Error('no'), { stack: `E: ${FORGERY}` }),
  ],
  ['an error of an SDK', sdkError],
  ['an error of an HTTP client', clientError],
  ['an error with such a cause', () => new Error('no', { cause: sdkError() })],
  ['an error that repeats its cause', () => new Error(sdkError().message, { cause: sdkError() })],
  ['a text', () => `no${FORGERY} ${KEY}` as unknown as Error],
];

const HANDLED: readonly EventType[] = ['llm.start', 'llm.end', 'tool.start', 'tool.end'];

const PROBES: readonly Probe[] = [
  ...STATUSES.flatMap((status): Probe[] =>
    (['openai', 'anthropic'] as const).map((wire) => [
      `${wire} answers ${status} and repeats the request`,
      (services) => services[wire].generate(PROMPT, { model: `status-${status}` }),
    ]),
  ),
  ...['good', 'html', 'cut'].flatMap((how): Probe[] =>
    (['openai', 'anthropic'] as const).map((wire) => [
      `${wire} sends an error in a stream: ${how}`,
      (services) => services[wire].stream(PROMPT, { model: `stream-${how}` }).response,
    ]),
  ),
  ...HANDLED.flatMap((type) =>
    MADE.map(([what, make]): Probe => [
      `a handler of ${type} throws ${what}`,
      async ({ callbacks, agents }) => {
        const remove = callbacks.on(type, () => {
          throw make();
        });
        await agents.create({ tools: [tool(() => RESULT)] }).run(PROMPT);
        remove();
      },
    ]),
  ),
  ...MADE.map(([what, make]): Probe => [
    `a tool throws ${what}, which ends the agent`,
    ({ agents }) => {
      const tools = [tool(() => Promise.reject(make()))];
      return agents.create({ tools, onToolError: 'fail' }).run(PROMPT);
    },
  ]),
  ...MADE.map(([what, make]): Probe => [
    `${what} is the cause of a refusal`,
    ({ callbacks, llm }) => {
      const remove = callbacks.on('llm.start', () => {
        throw new CallbackAbort(`closed${FORGERY}`, { cause: make() });
      });
      return llm.generate(PROMPT).finally(remove);
    },
  ]),
  [
    'a tool fails for good',
    ({ agents }) => {
      const fail = () => {
        throw new ToolExecutionError(`no${FORGERY}`, { fatal: true, cause: sdkError() });
      };
      return agents.create({ tools: [tool(fail)] }).run(PROMPT);
    },
  ],
  [
    'an answer does not fit its schema',
    ({ llm }) => {
      answers.push(JSON.stringify({ wrong: `${PROMPT}${FORGERY}` }));
      answers.push(JSON.stringify({ wrong: `${RESULT}${FORGERY}` }));
      const schema = { type: 'object', properties: { a: {} }, required: ['a'] };
      return llm.generate(PROMPT, { schema });
    },
  ],
  [
    'an agent has no steps left',
    ({ agents }) => agents.create({ tools: [tool(() => RESULT)], maxSteps: 1 }).run(PROMPT),
  ],
  [
    'ids hold line ends',
    ({ llm }) => llm.generate(PROMPT, { userId: `ada${FORGERY}`, tenantId: `acme${FORGERY}` }),
  ],
  ['a model is named like a line', ({ llm }) => llm.generate(PROMPT, { model: `m${FORGERY}` })],
  [
    'a tool is named like a line',
    ({ agents }) => {
      answers.push({ toolCalls: [{ id: `1${FORGERY}`, name: `look${FORGERY}`, args: {} }] });
      return agents.create({ tools: [tool(() => RESULT)] }).run(PROMPT);
    },
  ],
  [
    'a chain is named like a line',
    ({ callbacks }) =>
      callbacks.chain(`chain${FORGERY}`, PROMPT, () => Promise.reject(sdkError())).catch(() => 0),
  ],
  ...MADE.map(([what, make]): Probe => [
    `a limiter's onThreshold throws ${what}`,
    ({ llm }) => {
      const onThreshold = () => {
        throw make();
      };
      const limiter = new CostLimiter({
        maxCost: 0.000_001,
        thresholdAt: 0.1,
        onThreshold,
      } as never);
      return llm.generate(PROMPT, { callbacks: [limiter], userId: `ada${FORGERY}` });
    },
  ]),
];

function tool(execute: () => unknown) {
  return defineTool({ name: 'look', description: 'Looks.', execute: async () => execute() });
}

/** The next answer of the fake model; otherwise it calls the tool, and completes after the result. */
const answers: FakeAnswer[] = [];

let server: Server;
let url: string;

beforeAll(async () => {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await textOf(request);
    const { model = '' } = JSON.parse(body || '{}') as { model?: string };
    const [how, detail = ''] = model.split('-');
    const message = `Wrong key ${KEY}. Headers: ${HEADER} ${JSON.stringify(request.headers)}. You sent: ${body}${FORGERY}`;
    const error = {
      type: 'error',
      error: { type: 'invalid_request_error', message, code: 'invalid' },
    };
    if (how === 'status') {
      response.writeHead(Number(detail), {
        'content-type': 'application/json',
        'x-internal': HEADER,
      });
      return response.end(JSON.stringify(error));
    }
    response.writeHead(200, {
      'content-type': detail === 'html' ? 'text/html' : 'text/event-stream',
    });
    return response.end(
      { good: `event: error\ndata: ${JSON.stringify(error)}\n\n`, html: `<p>${message}</p>` }[
        detail
      ] ?? `data: {"choices": "${message}`,
    );
  };
  server = createServer((request, response) => void serve(request, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
afterEach(() => void answers.splice(0));

@Controller()
class ProbeController {
  constructor(
    private readonly llm: LlmService,
    @InjectLlm('openai') private readonly openai: LlmService,
    @InjectLlm('anthropic') private readonly anthropic: LlmService,
    private readonly agents: AgentService,
    private readonly callbacks: CallbacksService,
  ) {}

  @Get('probe/:number') async probe(@Param('number') number: string) {
    const { llm, openai, anthropic, agents, callbacks } = this;
    const [, run] = PROBES[Number(number)]!;
    await run({ llm, openai, anthropic, agents, callbacks });
    return 'done';
  }
}

async function startProbed(providers: Provider[]): Promise<INestApplication> {
  const provider = new FakeLlm([]);
  provider.generate = async ({ messages }, context) => {
    const given = answers.shift();
    const calls = [{ id: '1', name: 'look', args: {}, argsText: '{}' }];
    const next = given ?? (messages.at(-1)?.role === 'tool' ? RESULT : { toolCalls: calls });
    return new FakeLlm([next]).generate({ model: 'fake', messages }, context);
  };
  @Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider, model: 'fake' },
        prices: { fake: { inputPerMillion: 1, outputPerMillion: 1 } },
        callbacks: [new LoggingCallbacks(), new LoggingCallbacks({ json: true })],
      }),
      CallbacksModule.forFeature({
        name: 'openai',
        llm: { provider: 'openai', model: 'm', apiKey: KEY, baseURL: url, maxRetries: 0 },
      }),
      CallbacksModule.forFeature({
        name: 'anthropic',
        llm: { provider: 'anthropic', model: 'm', apiKey: KEY, baseURL: url, maxRetries: 0 },
      }),
    ],
    controllers: [ProbeController],
    providers,
  })
  class ProbeModule {}
  const logger = new ConsoleLogger({ colors: false });
  const app = await NestFactory.create(ProbeModule, { logger });
  await app.listen(0, '127.0.0.1');
  return app;
}

describe.each<[string, Provider[]]>([
  ['Nest’s own filter', []],
  ['the filter of the package', [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }]],
])('The log of an application with %s holds no secret and no forged line when', (_, providers) => {
  let app: INestApplication;
  let log: string;

  beforeAll(async () => {
    const write = ((chunk: string | Uint8Array) => {
      log += String(chunk);
      return true;
    }) as typeof process.stdout.write;
    jest.spyOn(process.stdout, 'write').mockImplementation(write);
    jest.spyOn(process.stderr, 'write').mockImplementation(write);
    jest
      .spyOn(console, 'error')
      .mockImplementation((...words) => void (log += `${words.join(' ')}\n`));
    log = '';
    app = await startProbed(providers);
  });
  afterAll(async () => {
    await app.close();
    jest.restoreAllMocks();
  });

  it.each(PROBES.map(([name], number) => [name, number] as const))('%s', async (__, number) => {
    log = '';
    await fetch(`${await app.getUrl()}/probe/${number}`).then((response) => response.text());
    expect(log).not.toBe('');
    for (const secret of SECRETS) expect(log).not.toContain(secret);
    expect(log).not.toMatch(/^\s*FORGED/m);
    // oxlint-disable-next-line no-control-regex -- these characters must not occur
    expect(log).not.toMatch(/[\r\u001b\u2028\u202e]/);
  });
});

it('There are at least a hundred log probes', () => {
  expect(PROBES.length).toBeGreaterThanOrEqual(100);
});
