import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CostLimiter, RateLimiter } from 'nestjs-llm-callbacks';
import { useRedis } from '../support/limit-stores.js';
import { eventually } from '../support/limited.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';
import { Random } from '../support/wire/random.js';

const PROCESSES = 4;
const CALLERS = 50;
const LATE_CALLS = 60;
const LEASE_MS = 600;
/** The prompt that the server never answers. */
const HELD = 'hold this';

interface Counts {
  answered: number;
  refused: number;
  failed: number;
  cost: number;
  tokens: number;
}

/** A server that records billed usage. */
class Provider {
  requests = 0;
  held = 0;
  dollars = 0;
  tokens = 0;
  readonly #random = new Random(4);
  readonly #server: Server = createServer(
    (request, response) => void this.#answer(request, response),
  );

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  clear(): void {
    this.requests = this.held = this.dollars = this.tokens = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (body.includes(HELD)) return void this.held++;
    this.requests++;
    const usage = { prompt_tokens: 3, completion_tokens: this.#random.int(1, 50) };
    this.dollars += 0.003 + usage.completion_tokens * 0.01;
    this.tokens += usage.prompt_tokens + usage.completion_tokens;
    const message = { role: 'assistant', content: 'yes' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    response.setHeader('content-type', 'application/json');
    // Usage is recorded with a delay, so that calls overlap.
    setTimeout(
      () => response.end(JSON.stringify({ id: '1', model: 'm', choices, usage })),
      this.#random.int(0, 20),
    );
  }
}

describeWithRedis('Limits of four processes with fifty concurrent callers each', () => {
  const redis = useRedis();
  const provider = new Provider();
  const children: ChildProcess[] = [];
  let library: Awaited<ReturnType<typeof compileLibrary>>;
  let url: string;

  async function startProcess(): Promise<ChildProcess> {
    const script = join(process.cwd(), 'test/support/second-process/limited-calls.mjs');
    const child = fork(script, [library.folder, url, REDIS_URL, redis.prefix], { execArgv: [] });
    await once(child, 'message');
    return child;
  }

  beforeAll(async () => {
    library = await compileLibrary();
    url = await provider.listen();
    children.push(...(await Promise.all(Array.from({ length: PROCESSES }, startProcess))));
  });
  afterAll(async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.send({});
        await once(child, 'exit');
      }),
    );
    await provider.close();
    library.remove();
  });

  /**
   * Lets each of the processes make its calls at once, and then one of them some more, sequentially, while no other
   * process has reservations. Returns the sum of their results.
   */
  async function run(order: object, processes = children): Promise<Counts> {
    const ask = async (child: ChildProcess, more = {}) => {
      child.send({ callers: CALLERS, prompt: 'hi', ...order, ...more });
      const [counts] = (await once(child, 'message')) as [Counts];
      return counts;
    };
    const all = await Promise.all(processes.map((child) => ask(child)));
    all.push(await ask(processes[0]!, { callers: 1, calls: LATE_CALLS }));
    const sum = { answered: 0, refused: 0, failed: 0, cost: 0, tokens: 0 };
    for (const counts of all) {
      for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
    }
    return sum;
  }

  it('share one budget, which the billed cost never exceeds', async () => {
    provider.clear();
    const options = { name: 'budget', maxCost: 40, per: 'model' };
    const counts = await run({ limiter: 'CostLimiter', options, calls: 3 });

    expect(counts.answered + counts.refused).toBe(PROCESSES * CALLERS * 3 + LATE_CALLS);
    expect(counts.refused).toBeGreaterThan(0);
    expect(provider.requests).toBe(counts.answered);
    expect(provider.dollars).toBeLessThanOrEqual(40);
    // All but an amount too small for another call.
    expect(provider.dollars).toBeGreaterThan(39);
    const limiter = new CostLimiter({
      ...options,
      per: 'model',
      store: redis.store(undefined, redis.prefix),
    });
    const { used, reserved } = await limiter.usage('m');
    expect(used).toBeCloseTo(provider.dollars, 9);
    expect(counts.cost).toBeCloseTo(provider.dollars, 9);
    expect(reserved).toBe(0);
  });

  it('share one rate of requests, and of tokens', async () => {
    provider.clear();
    const options = { name: 'rate', requestsPerMinute: 120, tokensPerMinute: 1e9 };
    const requests = await run({ limiter: 'RateLimiter', options, calls: 2 });
    expect(requests).toMatchObject({
      answered: 120,
      refused: PROCESSES * CALLERS * 2 + LATE_CALLS - 120,
    });
    expect(provider.requests).toBe(120);

    provider.clear();
    const tokens = { name: 'tokens', tokensPerMinute: 5_000 };
    const counts = await run({ limiter: 'RateLimiter', options: tokens, calls: 3 });
    expect(counts.refused).toBeGreaterThan(0);
    expect(provider.requests).toBe(counts.answered);
    expect(provider.tokens).toBeLessThanOrEqual(5_000);
    expect(provider.tokens).toBeGreaterThan(4_900);
  });

  it('release the reservations of a killed process', async () => {
    provider.clear();
    const [victim, ...others] = children as [ChildProcess, ...ChildProcess[]];
    const budget = { name: 'kill cost', maxCost: 20, leaseMs: LEASE_MS };
    const rate = {
      name: 'kill rate',
      requestsPerMinute: 40,
      tokensPerMinute: 5_000,
      leaseMs: LEASE_MS,
    };
    const store = redis.store(undefined, redis.prefix);
    const reserved = async () => {
      const [cost, { limits }] = [
        await new CostLimiter({ ...budget, store }).usage(),
        await new RateLimiter({ ...rate, store }).usage(),
      ];
      return [cost.reserved, ...limits.map((limit) => limit.reserved)];
    };
    victim.send({ limiter: 'CostLimiter', options: budget, callers: 20, calls: 1, prompt: HELD });
    victim.send({ limiter: 'RateLimiter', options: rate, callers: 20, calls: 1, prompt: HELD });
    await eventually(() => provider.held === 40);
    const held = await reserved();
    expect(held).toEqual([expect.any(Number), 20, expect.any(Number)]);
    expect(held[0]).toBeGreaterThan(10);
    // Renewed as long as the process lives.
    await new Promise((resolve) => setTimeout(resolve, 2 * LEASE_MS));
    await eventually(async () => String(await reserved()) === String(held));

    victim.kill('SIGKILL');
    await once(victim, 'exit');
    await eventually(async () => (await reserved()).every((amount) => amount === 0));

    const counts = await run({ limiter: 'CostLimiter', options: budget, calls: 1 }, others);
    expect(counts.cost).toBeGreaterThan(19);
    expect(counts.cost).toBeLessThanOrEqual(20);
    const { answered } = await run({ limiter: 'RateLimiter', options: rate, calls: 1 }, others);
    expect(answered).toBe(40);
  });

  it('charge the reservations of a killed process with onLostReservation: charge', async () => {
    provider.clear();
    const others = children.filter(({ exitCode, signalCode }) => (exitCode ?? signalCode) === null);
    const victim = await startProcess();
    children.push(victim);
    const budget = {
      name: 'charged',
      maxCost: 20,
      leaseMs: LEASE_MS,
      onLostReservation: 'charge' as const,
    };
    const limiter = new CostLimiter({ ...budget, store: redis.store(undefined, redis.prefix) });
    victim.send({ limiter: 'CostLimiter', options: budget, callers: 20, calls: 1, prompt: HELD });
    await eventually(() => provider.held === 20);
    const { used, reserved } = await limiter.usage();
    expect(used).toBe(0);

    victim.kill('SIGKILL');
    await once(victim, 'exit');
    await eventually(async () => (await limiter.usage()).reserved === 0);
    expect((await limiter.usage()).used).toBe(reserved);

    const counts = await run({ limiter: 'CostLimiter', options: budget, calls: 1 }, others);
    // The possible usage of the killed process plus the usage of the others does not exceed the budget.
    expect(counts.cost).toBeGreaterThan(0);
    expect(counts.cost + reserved).toBeLessThanOrEqual(20);
    expect((await limiter.usage()).used).toBeCloseTo(counts.cost + reserved, 9);
  });
});
