import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';

/** The address of Redis; `REDIS_URL` overrides it. */
export const REDIS_URL = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
/** The address of PostgreSQL; `POSTGRES_URL` overrides it. */
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

/** Tests that need a service: skipped, with a message, on machines without it; with `CI=true` they fail there. */
export function describeWith(
  what: string,
  isThere: boolean,
  name: string,
  tests: () => void,
): void {
  // oxlint-disable-next-line jest/valid-title, jest/valid-describe-callback -- tests call this function instead
  if (isThere) return describe(name, tests);
  if (process.env.CI === 'true') {
    it(`${name}: needs ${what}`, () => expect(isThere).toBe(true));
  } else {
    // Jest itself reports only the number.
    process.stderr.write(`Skipped, because there is no ${what}: ${name}\n`);
    // oxlint-disable-next-line jest/no-disabled-tests, jest/valid-title, jest/valid-describe-callback -- no service, no tests
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
