import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';

/** Where tests find Redis; `REDIS_URL` says otherwise. */
export const REDIS_URL = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
/** Where tests find PostgreSQL; `POSTGRES_URL` says otherwise. */
export const POSTGRES_URL = process.env.POSTGRES_URL ?? 'postgres://root@127.0.0.1:5432/test';

const hasRedis = await answers(REDIS_URL);
const hasPostgres = await answers(POSTGRES_URL);

/** {@link describeWith} Redis. */
export function describeWithRedis(name: string, tests: () => void): void {
  describeWith(`Redis at ${hostOf(REDIS_URL)}`, hasRedis, name, tests);
}

/** {@link describeWith} PostgreSQL. */
export function describeWithPostgres(name: string, tests: () => void): void {
  describeWith(`PostgreSQL at ${hostOf(POSTGRES_URL)}`, hasPostgres, name, tests);
}

/** Tests that need something: skipped on machines without it, which is said; with `CI=true` they fail there. */
export function describeWith(
  what: string,
  isThere: boolean,
  name: string,
  tests: () => void,
): void {
  // oxlint-disable-next-line jest/valid-title, jest/valid-describe-callback -- this is what tests call instead
  if (isThere) return describe(name, tests);
  if (process.env.CI === 'true') {
    it(`${name}: needs ${what}`, () => expect(isThere).toBe(true));
  } else {
    // Jest itself tells only how many.
    process.stderr.write(`Skipped, because there is no ${what}: ${name}\n`);
    // oxlint-disable-next-line jest/no-disabled-tests, jest/valid-describe-callback -- where there is none, none is tested
    describe.skip(name, tests);
  }
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const settle = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}
