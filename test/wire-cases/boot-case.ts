import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import * as library from 'nestjs-llm-callbacks';
import {
  CallbacksModule,
  CallbacksService,
  type CallbackEvent,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import type { TestingModule } from '@nestjs/testing';
import { startApp } from '../support/app.js';
import type { WireServer } from '../support/wire/server.js';
import type { Division } from './pieces.js';
import type { CaseServer, WireCase } from './read-case.js';
import { serveCase } from './serve-case.js';

/** The name of the default client's server. */
export const DEFAULT = 'default';

/** An application with the clients of a case, their servers, and the events so far. */
export interface BootedCase {
  readonly app: TestingModule;
  readonly servers: ReadonlyMap<
    string,
    { readonly given: CaseServer; readonly server: WireServer }
  >;
  readonly events: CallbackEvent[];
}

/** Boots the application of a case. `closeApps()` closes the application, {@link closeServers} its servers. */
export async function bootCase(given: WireCase, division: Division): Promise<BootedCase> {
  const { clients = {}, use = [], prices } = given;
  const servers = new Map<string, { given: CaseServer; server: WireServer }>();
  for (const [name, client] of [[DEFAULT, given] as const, ...Object.entries(clients)])
    servers.set(name, { given: client, server: await serveCase(client, division) });
  const llm = (name: string) => llmOptions(servers.get(name)!);
  const { module: app } = await startApp(
    {
      imports: Object.keys(clients).map((name) =>
        CallbacksModule.forFeature({ name, llm: llm(name) }),
      ),
    },
    {
      llm: llm(DEFAULT),
      callbacks: use.map(({ name, options }) => interceptor(name, options)),
      ...(prices && { prices }),
    },
  );
  const events: CallbackEvent[] = [];
  app.get(CallbacksService).on('*', (event) => void events.push(event));
  return { app, servers, events };
}

export async function closeServers({ servers }: BootedCase): Promise<void> {
  for (const { server } of servers.values()) await server.close();
}

/** An interceptor exported by the package, by the name of its class. */
function interceptor(name: string, options: object = {}): object {
  const Class = (library as Readonly<Record<string, unknown>>)[name];
  if (typeof Class !== 'function') throw new Error(`The package has no class ${name}.`);
  return new (Class as new (options: object) => object)(options);
}

/** The SDKs do not retry, so that a server receives exactly the requests that the library makes. */
const SDK = { apiKey: 'test', maxRetries: 0 };

function llmOptions({ given, server }: { given: CaseServer; server: WireServer }): LlmOptions {
  const { api, client } = given;
  const { label, model = api === 'anthropic' ? 'claude-haiku-4-5' : 'house-7', baseURL } = client;
  const options = {
    model,
    ...(label !== undefined && { label }),
    ...(baseURL === undefined
      ? { ...SDK, baseURL: api === 'anthropic' ? server.origin : `${server.origin}/v1` }
      : { client: sdkClient(api, baseURL, server) }),
  };
  return api === 'anthropic'
    ? { provider: 'anthropic', ...options }
    : { provider: 'openai', api, ...options };
}

/** An SDK client for some host, whose requests go to the test server. */
function sdkClient(api: CaseServer['api'], baseURL: string, { origin }: WireServer): object {
  const rerouted: typeof fetch = (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(`${origin}${pathname}${search}`, init);
  };
  const options = { ...SDK, baseURL, fetch: rerouted };
  return api === 'anthropic' ? new Anthropic(options) : new OpenAI(options);
}
