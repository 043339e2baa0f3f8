import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { CostLimiter } from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { closeApps } from '../support/app.js';
import { startLimited } from '../support/limited.js';
import { describeWithRedisServer, freePort, RedisServer } from '../support/redis-server.js';

afterEach(closeApps);

describeWithRedisServer('A Redis limit store on a cluster', () => {
  const servers: RedisServer[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'limits-'));
  let client: Cluster;

  beforeAll(async () => {
    for (let i = 0; i < 3; i++) {
      const bus = ['--cluster-port', String(await freePort())];
      const nodes = ['--cluster-config-file', `${i}.conf`, '--dir', folder];
      servers.push(await RedisServer.start('--cluster-enabled', 'yes', ...bus, ...nodes));
    }
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`);
    const made = spawnSync('redis-cli', ['--cluster', 'create', ...hosts, '--cluster-yes']);
    if (made.status !== 0) throw new Error(String(made.stdout));
    client = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
  });
  afterAll(async () => {
    client.disconnect();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('enforces limits of several keys, whatever the node of a key', async () => {
    const store = new RedisLimitStore({ client });
    const nodes = new Set<string>();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const limits = [{ maxCost: 1 }, { maxCost: 0.3, per: 'user', window: 'day' } as const];
      const limiter = new CostLimiter({ name, limits, store });
      const { llm, provider } = await startLimited([limiter]);
      const calls = Array.from({ length: 20 }, (_, i) =>
        llm.generate('hi', { maxOutputTokens: 1, userId: `user ${i % 5}` }),
      );
      await Promise.allSettled(calls);
      expect(provider.requests).toHaveLength(10);
      expect(await limiter.usage()).toMatchObject({ used: 1, reserved: 0 });
    }
    for (const node of client.nodes('master')) {
      if ((await node.dbsize()) > 0) nodes.add(`${node.options.host}:${node.options.port}`);
    }
    expect(nodes.size).toBeGreaterThan(1);
  });
});
