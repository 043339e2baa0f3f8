import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { describeWith } from './services.js';

const hasServer = spawnSync('redis-server', ['--version']).status === 0;

/** Tests that start and stop their own Redis. */
export function describeWithRedisServer(name: string, tests: () => void): void {
  describeWith('redis-server', hasServer, name, tests);
}

/** A Redis without persistence, on its own port. */
export class RedisServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly options: string[],
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const { port, options } = this;
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const server = spawn('redis-server', [...args, ...options], { cwd: tmpdir() });
    this.#process = server;
    let log = '';
    for await (const chunk of server.stdout) {
      log += String(chunk);
      if (log.includes('Ready to accept connections')) break;
    }
    if (server.exitCode !== null) throw new Error(`redis-server did not start: ${log}`);
  }

  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined) return;
    const exited = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill('SIGKILL');
    await exited;
  }

  /** Pauses or resumes the server. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  /** A client that reconnects soon after an outage; close it with `disconnect()`. */
  client(): Redis {
    const client = new Redis(this.port, '127.0.0.1', { retryStrategy: () => 20 });
    client.on('error', () => undefined);
    return client;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
