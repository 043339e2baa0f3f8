import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  AgentService,
  CacheInterceptor,
  CallbackAbort,
  type CallbackEvent,
  CallbacksModule,
  type CallbacksModuleOptions,
  CallbacksService,
  CostLimiter,
  defineTool,
  getLlmToken,
  LlmService,
  OnAnyEvent,
  OnLlmEnd,
  OnLlmStart,
  type LlmEndEvent,
  type PendingRun,
} from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { willClose } from './app.js';
import { MemoryJobQueue } from './memory-job-queue.js';
import { type Exchange, WireServer } from './wire/index.js';

const MARK = 'PLANTED';
const planted: string[] = [];

/** Plants a secret: returns what is unique in it, and what nothing may contain. */
function mark(where: string): string {
  return `${MARK}${String(planted.push(where)).padStart(2, '0')}x9Qw3`;
}
const key = (where: string) => `sk-proj-${mark(where)}`;
const words = (where: string) => `${mark(where)} correct "horse"`;
const jwt = (where: string) => `eyJhbGciOiJIUzI1NiJ9.${mark(where)}AbCdEf.sig-9`;
const pem = (where: string) =>
  `-----BEGIN PRIVATE KEY-----\n${mark(where)}\n-----END PRIVATE KEY-----`;
const url = (where: string) => `postgres://app:${mark(where)}@db.internal:5432/app`;
const bearer = (where: string) => `Bearer ${mark(where)}`;

/**
 * Where secrets are: in all that an application, a model, a tool and a server put into runs. Each has the name or the
 * form of a common secret, so that the default redactor finds it where content is let out.
 */
const S = {
  prompt: key('a prompt'),
  system: bearer('a system text'),
  history: jwt('a message of the history'),
  answer: key('an answer'),
  chunk: key('a chunk of a stream'),
  metadata: words('metadata'),
  nestedMetadata: words('metadata, as JSON'),
  tag: key('a tag'),
  userId: jwt('a user id'),
  tenantId: key('a tenant id'),
  conversationId: key('a conversation id'),
  providerOption: words('an option of the provider'),
  goal: url('a goal'),
  persona: key('a persona'),
  argument: words('an argument'),
  nestedArgument: words('an argument, as JSON'),
  editedArgument: words('an argument that a person changed'),
  reason: key('the reason of a denial'),
  approver: key('an approver'),
  result: words('a result'),
  textResult: `Cookie: sid=${mark('a result, as text')}; theme=dark`,
  toolError: url('the error of a tool'),
  clientError: bearer('a header in the error of a tool'),
  chainInput: words('the input of a chain'),
  chainOutput: words('the output of a chain'),
  chainError: `https://api.example.com/v1?api_key=${mark('the error of a chain')}`,
  query: `password: ${mark('a query')}`,
  document: pem('a document'),
  embedded: key('an embedded text'),
  data: words('the data of a custom event'),
  pairs: mark('a header in a list of pairs'),
  handlerError: key('the error of a handler'),
  handlerCause: bearer('the cause of the error of a handler'),
  backgroundError: key('the error of a background handler'),
  abort: key('the message of an abort'),
  apiKey: key('the key of a client'),
  baseUrl: mark('a password in a base URL'),
  header: mark('a default header'),
  setCookie: mark('a cookie of the provider'),
  echoed: key('an error that repeats the request'),
  limitKey: key('the key of a limit'),
  schema: key('an answer that does not fit its schema'),
} as const;

/** How many secrets there are. */
export const PLANTED_COUNT = planted.length;

/** Starts a new line, colors it, and reverses its direction. */
export const FORGED_LINE =
  '\r\n\u001b[32mFORGED [Nest] 1 - LOG all is well\u001b[0m\u202e\u2028FORGED';

/** Where the secrets that a text contains were planted, also if they are encoded. */
export function plantedIn(text: string): string[] {
  const found = new Set([...text.matchAll(/PLANTED(\d\d)/g)].map(([, number]) => Number(number)));
  const encoded = text.match(/[\w+/]{16,}={0,2}/g) ?? [];
  for (const part of encoded)
    for (const [, number] of Buffer.from(part, 'base64')
      .toString('latin1')
      .matchAll(/PLANTED(\d\d)/g))
      found.add(Number(number));
  return [...found].map((number) => planted[number - 1] ?? `number ${number}`);
}

/** Whether a secret was planted everywhere: all of them are in the events that handlers get, or in requests. */
export interface Planted {
  readonly app: TestingModule;
  /** The jobs of a durable handler of all events. */
  readonly queue: MemoryJobQueue;
  /** What in-process handlers received, and what the server was sent, as text. */
  readonly seen: () => string;
}

export interface PlantedOptions {
  /** Modules besides the one of the package. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** The built-ins to look at. */
  readonly callbacks?: object[];
  /** Further options of `forRoot`. */
  readonly options?: CallbacksModuleOptions;
  /** Called when the application is ready, before anything runs. */
  readonly ready?: (app: TestingModule) => void;
}

/**
 * An application that runs everything with all secrets: calls, streams, embeddings, agents with approvals, tools,
 * chains, retrievals, custom events, caches, limits, handlers that fail, and a server that repeats requests. It is
 * closed by `closeApps()`.
 */
export async function runPlanted(settings: PlantedOptions = {}): Promise<Planted> {
  const { imports = [], callbacks = [], options = {}, ready } = settings;
  const server = await WireServer.listen();
  const queue = new MemoryJobQueue();
  const seen = new Seen();
  const fake = new FakeLlm(({ messages }) => answerTo(JSON.stringify(messages)));
  const openai = {
    provider: 'openai',
    model: 'gpt-5-mini',
    apiKey: S.apiKey,
    maxRetries: 0,
  } as const;
  const host = new URL(server.origin).host;
  const app = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: fake, model: 'fake', embeddingModel: 'fake' },
        background: { queue },
        prices: { fake: { inputPerMillion: 1, outputPerMillion: 1 } },
        ...options,
        callbacks: [...callbacks, seen, new Jobs(), new Failing(), ...(options.callbacks ?? [])],
      }),
      CallbacksModule.forFeature([
        {
          name: 'server',
          llm: {
            ...openai,
            baseURL: `${server.origin}/v1`,
            defaultHeaders: { 'x-api-key': S.header },
          },
        },
        { name: 'refused', llm: { ...openai, baseURL: `http://app:${S.baseUrl}@${host}/v1` } },
      ]),
      ...imports,
    ],
  }).compile();
  willClose(app);
  try {
    await app.init();
    ready?.(app);
    server.answers(...[401, 429, 500].map((status) => echo(status)));
    await runAll(app);
    await app.get(CallbacksService).flush();
  } finally {
    await server.close();
  }
  const sent = server.exchanges.map(({ headers, text }) => JSON.stringify(headers) + text);
  return { app, queue, seen: () => [...seen.texts, ...sent].join('\n') };
}

/** What handlers of the application get. */
class Seen {
  readonly texts: string[] = [];

  @OnAnyEvent()
  see(event: CallbackEvent) {
    this.texts.push(JSON.stringify(event));
    if (!('error' in event)) return;
    let error: unknown = event.error;
    for (let depth = 0; error instanceof Error && depth < 5; depth++) {
      const { headers, key: of } = error as { headers?: unknown; key?: unknown };
      const pairs = headers instanceof Headers ? [...headers] : headers;
      this.texts.push(`${error} ${JSON.stringify([pairs, of])}`);
      error = error.cause;
    }
  }
}

class Jobs {
  @OnAnyEvent({ background: 'durable', name: 'jobs', when: ({ type }) => type !== 'llm.chunk' })
  take(_event: CallbackEvent) {}
}

class Failing {
  @OnLlmStart({ when: ({ tags }) => tags.includes('handler') })
  fail() {
    throw new Error(`no ${S.handlerError}${FORGED_LINE}`, {
      cause: Object.assign(new Error(S.handlerCause), {
        headers: { authorization: S.handlerCause },
      }),
    });
  }

  @OnLlmEnd({ background: true, when: ({ tags }) => tags.includes('handler') })
  failLater(_event: LlmEndEvent) {
    throw new Error(`${S.backgroundError}${FORGED_LINE}`);
  }
}

/** A server that repeats what it was sent. */
function echo(status: number): (exchange: Exchange) => void {
  return ({ response, headers, text }) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'set-cookie': `sid=${S.setCookie}`,
    });
    const message = `${S.echoed}: Authorization: ${headers.authorization} x-api-key: ${String(headers['x-api-key'])} ${text}${FORGED_LINE}`;
    response.end(JSON.stringify({ error: { message, type: 'x' } }));
  };
}

function answerTo(messages: string): FakeAnswer {
  if (messages.includes('"tool"')) return `Done: ${S.answer}${FORGED_LINE}`;
  const args = { password: S.argument, body: JSON.stringify({ secret: S.nestedArgument }) };
  const name = ['look', 'fail', 'send'].find((tool) => messages.includes(`use ${tool}`));
  if (name !== undefined) return { toolCalls: [{ id: 'c1', name, args }] };
  if (messages.includes('as JSON')) return JSON.stringify({ wrong: S.schema });
  return `I say ${S.chunk} and ${S.answer}${FORGED_LINE}`;
}

const parameters = {
  type: 'object',
  properties: { password: { type: 'string' }, body: { type: 'string' } },
};

const toolsOf = () => [
  defineTool({
    name: 'look',
    description: 'Looks.',
    parameters,
    execute: () => ({ accessToken: S.result, text: S.textResult }),
  }),
  defineTool({
    name: 'fail',
    description: 'Fails.',
    parameters,
    execute: () => {
      throw Object.assign(new Error(`${S.toolError}${FORGED_LINE}`), {
        cause: Object.assign(new Error(`sent ${S.clientError}`), {
          config: { headers: { authorization: S.clientError } },
        }),
      });
    },
  }),
  defineTool({
    name: 'send',
    description: 'Sends.',
    parameters,
    needsApproval: true,
    execute: () => 'sent',
  }),
];

/** Runs everything; failures are part of it. */
async function runAll(app: TestingModule): Promise<void> {
  const callbacks = app.get(CallbacksService);
  const context = {
    userId: S.userId,
    tenantId: S.tenantId,
    conversationId: S.conversationId,
    tags: [S.tag],
    metadata: { password: S.metadata, request: JSON.stringify({ clientSecret: S.nestedMetadata }) },
  };
  const tasks = [...callTasks(app), ...agentTasks(app), ...workTasks(callbacks)];
  for (const task of tasks) await callbacks.run(context, task).catch(() => undefined);
}

type Task = () => Promise<unknown>;

function callTasks(app: TestingModule): Task[] {
  const llm = app.get(LlmService);
  const named = (name: string) => app.get<LlmService>(getLlmToken(name), { strict: false });
  const messages = [
    { role: 'system' as const, content: `Be terse. ${S.system}` },
    { role: 'user' as const, content: S.history },
    { role: 'user' as const, content: `${S.prompt}${FORGED_LINE}` },
  ];
  const schema = { type: 'object', properties: { right: {} }, required: ['right'] };
  const cached = { callbacks: [new CacheInterceptor()] };
  const limiter = new CostLimiter({
    maxCost: 0.000_001,
    per: () => S.limitKey,
    onThreshold: ({ key: of }) => {
      throw new Error(`${of}${FORGED_LINE}`);
    },
  });
  return [
    () => llm.generate(messages, { providerOptions: { apiKey: S.providerOption } }),
    () => llm.stream(S.prompt).response,
    () => llm.embed([S.embedded]),
    () => llm.generate(`as JSON: ${S.prompt}`, { schema }),
    () => llm.generate(S.prompt, cached),
    () => llm.generate(S.prompt, cached),
    () => llm.generate(S.prompt, { tags: ['handler'] }),
    () => llm.generate(S.prompt, { callbacks: [limiter] }),
    () => llm.generate(S.prompt, { callbacks: [new Refusing()] }),
    () => named('server').generate(messages),
    () => named('server').generate(messages),
    () => named('server').stream(S.prompt).response,
    () => named('refused').generate(S.prompt),
  ];
}

class Refusing {
  @OnLlmStart()
  refuse() {
    throw new CallbackAbort(`${S.abort}${FORGED_LINE}`);
  }
}

function agentTasks(app: TestingModule): Task[] {
  const agent = app.get(AgentService).create({
    name: `desk${FORGED_LINE}`,
    persona: S.persona,
    tools: toolsOf(),
  });
  const decide = async (approve: boolean) => {
    const { pending } = await agent.run(`use send ${S.goal}`);
    const decisions = {
      c1: { approve, reason: S.reason, ...(approve && { args: { password: S.editedArgument } }) },
    };
    await agent.resume(pending as PendingRun, decisions, { approver: S.approver });
  };
  return [
    () => agent.run(`use look ${S.goal}`),
    () => agent.run(`use fail ${S.goal}`),
    () => decide(true),
    () => decide(false),
  ];
}

function workTasks(callbacks: CallbacksService): Task[] {
  const chain = () =>
    callbacks.chain(`chain${FORGED_LINE}`, { clientSecret: S.chainInput }, () => ({
      refresh_token: S.chainOutput,
    }));
  return [
    chain,
    () => callbacks.chain('broken', 1, () => Promise.reject(new Error(`GET ${S.chainError}`))),
    () => callbacks.retrieval(S.query, () => [{ text: S.document }], `source${FORGED_LINE}`),
    () =>
      callbacks.emit('sent', {
        apiKey: S.data,
        headers: [['Authorization', S.pairs]],
        rawHeaders: ['Cookie', S.pairs],
        list: [{ name: 'x-api-key', value: S.pairs }],
      }),
  ];
}

/** Where secrets are that a text does not contain. */
export function notPlantedIn(text: string): string[] {
  const found = plantedIn(text);
  return planted.filter((where) => !found.includes(where));
}
