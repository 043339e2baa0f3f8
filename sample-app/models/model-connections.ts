import { promisify } from 'node:util';
import { createServer, type ServerInstance } from '@copilotkit/aimock';
import type { OnApplicationShutdown } from '@nestjs/common';
import { mockFixtures } from './mock-fixtures.js';
import { MockOutage } from './mock-outage.js';
import { MODELS, type ClientName } from './models.js';

/** The connection options of an SDK; empty if the SDK's own environment variables define them. */
interface Connection {
  baseURL?: string;
  apiKey?: string;
}

/** Providers whose key is set are called directly; a local mock replaces the others. */
export class ModelConnections implements OnApplicationShutdown {
  private constructor(
    readonly openai: Connection,
    readonly anthropic: Connection,
    private readonly mock?: ServerInstance,
    private readonly outage = new MockOutage(),
  ) {}

  static async open(env: NodeJS.ProcessEnv = process.env): Promise<ModelConnections> {
    const { OPENAI_API_KEY, ANTHROPIC_API_KEY } = env;
    if (OPENAI_API_KEY && ANTHROPIC_API_KEY) return new ModelConnections({}, {});
    const outage = new MockOutage();
    const fixtures = [outage.fixture, ...mockFixtures()];
    const mock = await createServer(fixtures, { host: '127.0.0.1', port: 0 });
    return new ModelConnections(
      OPENAI_API_KEY ? {} : { baseURL: `${mock.url}/v1`, apiKey: 'none' },
      ANTHROPIC_API_KEY ? {} : { baseURL: mock.url, apiKey: 'none' },
      mock,
      outage,
    );
  }

  /** One line for the terminal. */
  describe(): string {
    const missing = [
      ...(this.openai.baseURL === undefined ? [] : ['OPENAI_API_KEY']),
      ...(this.anthropic.baseURL === undefined ? [] : ['ANTHROPIC_API_KEY']),
    ];
    return missing.length === 0
      ? 'Both models are asked themselves.'
      : `A mock on this machine stands in for the models without ${missing.join(' and ')}.`;
  }

  /**
   * Makes the next calls of a client's model fail.
   *
   * @returns `false` if the real model is called, so that no mock can fail
   */
  fail(client: ClientName, calls: number): boolean {
    const { baseURL } = client === 'default' ? this.anthropic : this.openai;
    if (baseURL !== undefined) this.outage.begin(MODELS[client], calls);
    return baseURL !== undefined;
  }

  /** Runs after the library has let its runs end. */
  async onApplicationShutdown(): Promise<void> {
    const server = this.mock?.server;
    if (!server?.listening) return;
    const closed = promisify(server.close.bind(server))();
    // An SDK keeps connections for its next request.
    server.closeAllConnections();
    await closed;
  }
}
