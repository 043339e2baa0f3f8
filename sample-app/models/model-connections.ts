import { promisify } from 'node:util';
import { createServer, type ServerInstance } from '@copilotkit/aimock';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { LlmOptions } from 'nestjs-llm-callbacks';
import { mockFixtures } from './mock-fixtures.js';

/** How an SDK reaches its server; empty where the SDK's own environment variables say it. */
type Connection = Pick<LlmOptions, 'baseURL' | 'apiKey'>;

/** Each provider whose key is set is asked itself; a mock on this machine stands in for the others. */
export class ModelConnections implements OnApplicationShutdown {
  private constructor(
    readonly openai: Connection,
    readonly anthropic: Connection,
    private readonly mock: ServerInstance | undefined,
  ) {}

  static async open(env: NodeJS.ProcessEnv = process.env): Promise<ModelConnections> {
    const { OPENAI_API_KEY, ANTHROPIC_API_KEY } = env;
    if (OPENAI_API_KEY && ANTHROPIC_API_KEY) return new ModelConnections({}, {}, undefined);
    const mock = await createServer(mockFixtures(), { host: '127.0.0.1', port: 0 });
    return new ModelConnections(
      OPENAI_API_KEY ? {} : { baseURL: `${mock.url}/v1`, apiKey: 'none' },
      ANTHROPIC_API_KEY ? {} : { baseURL: mock.url, apiKey: 'none' },
      mock,
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

  /** Comes after the library has let its runs end. */
  async onApplicationShutdown(): Promise<void> {
    const server = this.mock?.server;
    if (!server?.listening) return;
    const closed = promisify(server.close.bind(server))();
    // An SDK keeps connections for its next request.
    server.closeAllConnections();
    await closed;
  }
}
