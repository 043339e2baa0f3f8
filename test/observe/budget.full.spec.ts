import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { CostLimiter } from 'nestjs-llm-callbacks';
import { DOORS, MAX_TOKENS, MODEL } from '../support/doors/doors.js';
import { useRedis } from '../support/limit-stores.js';
import { eventually } from '../support/limited.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';
import { says, stalled, type Serve, WireServer } from '../support/wire/index.js';
import { Random } from '../support/wire/random.js';
import { formatOf, promptOf } from './echo.js';

const NAMES = Object.keys(DOORS);
const CALLERS = 50;
/** More calls, one by one, than any test's budget allows. */
const ALL = 300;
/** Of reservations that a test waits for. */
const SHORT_LEASE_MS = 600;
/** Longer than a process of a busy machine may stand still. */
const LEASE_MS = 60_000;
const HELD = 'hold this';
/** US dollars a token, as the processes are configured. */
const PRICE = { input: 0.001, output: 0.01 };
const INPUT_TOKENS = 3;

interface Counts {
  answered: number;
  refused: number;
  failed: number;
  cost: number;
}

describeWithRedis('A budget of processes that call through different doors', () => {
  const redis = useRedis();
  const random = new Random(7);
  const children: ChildProcess[] = [];
  let library: Awaited<ReturnType<typeof compileLibrary>>;
  let server: WireServer;
  let limiter: CostLimiter;
  let budget: { name: string; maxCost: number; leaseMs: number };
  let billed: number;
  let held: number;
  /** The most that was used and reserved at any request. */
  let most: number;

  beforeAll(async () => void (library = await compileLibrary('doors')));
  afterAll(() => library.remove());
  beforeEach(async () => {
    billed = held = most = 0;
    server = await WireServer.listen();
    server.answers(...Array.from({ length: 10 * ALL }, () => answer));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map(end));
    await server.close();
  });

  const answer: Serve = async (exchange) => {
    const wire = formatOf(exchange);
    const streamed = exchange.body['stream'] === true;
    if (promptOf(exchange) === HELD) {
      held++;
      if (streamed) await stalled(wire.opening)(exchange);
      return;
    }
    // Other calls arrive meanwhile.
    const { used, reserved } = await limiter.usage();
    most = Math.max(most, used + reserved);
    const usage = { input: INPUT_TOKENS, output: random.int(1, MAX_TOKENS) };
    billed += usage.input * PRICE.input + usage.output * PRICE.output;
    const said = { text: 'yes', model: MODEL, usage };
    await says(wire, streamed ? 'stream' : 'generate', said)(exchange);
  };

  /** A budget of the test's own. */
  function open(name: string, maxCost: number, leaseMs = LEASE_MS): void {
    budget = { name, maxCost, leaseMs };
    limiter = limiterAt();
  }

  /** The budget as another process sees it, at a given time. */
  function limiterAt(clock?: { readonly now: number }): CostLimiter {
    return new CostLimiter({ ...budget, store: redis.store(clock, redis.prefix) });
  }

  async function start(door: string): Promise<ChildProcess> {
    const script = join(process.cwd(), 'test/support/second-process/observed-calls.mjs');
    const settings = { door, origin: server.origin, redisUrl: REDIS_URL, budget };
    const all = JSON.stringify({ ...settings, prefix: redis.prefix });
    const child = fork(script, [library.folder, all], { execArgv: [] });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Lets a process make its calls. */
  async function ask(child: ChildProcess, callers: number, calls: number): Promise<Counts> {
    child.send({ callers, calls, prompt: 'hi' });
    const [counts] = (await once(child, 'message')) as [Counts];
    return counts;
  }

  it('counts the calls of each of them, is never passed, and sends no refused call', async () => {
    // A process that has no time to renew its lease would count as killed.
    open('budget', 40, 60_000);
    const processes = await Promise.all(NAMES.map(start));
    const first = await Promise.all(processes.map((child) => ask(child, 1, 1)));
    for (const counts of first) expect(counts).toMatchObject({ answered: 1, refused: 0 });
    expect((await limiter.usage()).used).toBeCloseTo(billed, 9);

    const all = await Promise.all(processes.map((child) => ask(child, CALLERS, 3)));
    // What is left is used by one after the other, until not even the smallest call fits.
    for (const child of processes) all.push(await ask(child, 1, ALL));
    for (const { refused } of all.slice(-NAMES.length)) expect(refused).toBeGreaterThan(0);

    const counts = [...first, ...all];
    const sum = (name: keyof Counts) => counts.reduce((total, one) => total + one[name], 0);
    expect(sum('failed')).toBe(0);
    expect(sum('answered') + sum('refused')).toBe(NAMES.length * (1 + CALLERS * 3 + ALL));
    expect(server.exchanges).toHaveLength(sum('answered'));
    expect(most).toBeLessThanOrEqual(40);
    expect(billed).toBeLessThanOrEqual(40);
    expect(billed).toBeGreaterThan(39);
    const { used, reserved } = await limiter.usage();
    expect(used).toBeCloseTo(billed, 9);
    expect(sum('cost')).toBeCloseTo(billed, 9);
    expect(reserved).toBe(0);
  });

  it.each(NAMES)(
    'loses at most the calls in flight of a killed process, whose reservations are free after its lease: %s',
    async (door) => {
      open(`killed, ${door}`, 20, SHORT_LEASE_MS);
      const victim = await start(door);
      const { answered } = await ask(victim, 5, 1);
      expect(answered).toBe(5);
      victim.send({ callers: 20, calls: 1, prompt: HELD });
      await eventually(() => held === 20);
      const before = await limiter.usage();
      expect(before.used).toBeCloseTo(billed, 9);
      expect(before.reserved).toBeGreaterThan(20 * MAX_TOKENS * PRICE.output);
      // Renewed as long as the process lives.
      const since = Date.now();
      await eventually(() => Date.now() > since + 2 * SHORT_LEASE_MS);
      expect(await limiter.usage()).toMatchObject({ reserved: before.reserved });

      await end(victim);
      const over = await limiterAt({ now: Date.now() + SHORT_LEASE_MS }).usage();
      expect(over).toMatchObject({ used: before.used, reserved: 0 });

      const other = await start(NAMES.find((name) => name !== door)!);
      await eventually(async () => (await limiter.usage()).reserved === 0);
      const { refused, failed } = await ask(other, 1, ALL);
      expect(refused).toBeGreaterThan(0);
      expect(failed).toBe(0);
      expect(billed).toBeLessThanOrEqual(20);
      expect(billed).toBeGreaterThan(19);
    },
  );
});
