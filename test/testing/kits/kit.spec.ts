import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { MemoryLimitStore } from 'nestjs-llm-callbacks';
import { describeLimitStore, type KitOptions } from 'nestjs-llm-callbacks/testing';
import { runKit } from '../../support/kit-runner.js';
import { compileLibrary } from '../../support/second-process/compile.js';

const make = () => new MemoryLimitStore();

describe('A conformance kit', () => {
  it('registers its tests on the functions of the given runner, as one group', () => {
    const calls: string[] = [];
    describeLimitStore(make, {
      title: 'My store',
      runner: {
        describe(title, tests) {
          calls.push(`describe ${title}`);
          tests();
        },
        it: (title) => calls.push(`it ${title}`),
      },
    });

    expect(calls[0]).toBe('describe My store');
    expect(calls[1]).toMatch(/^it reserve: /);
    expect(calls.filter((call) => call.startsWith('describe'))).toHaveLength(1);
  });

  it('says how to pass a runner where there are no global functions', () => {
    const scope = globalThis as { describe?: unknown };
    const { describe: kept } = scope;
    delete scope.describe;
    try {
      expect(() => describeLimitStore(make)).toThrow(
        'describeLimitStore(…, { runner: { describe, it } })',
      );
    } finally {
      scope.describe = kept;
    }
  });

  it.each<[string, unknown, object, RegExp]>([
    ['no factory', new MemoryLimitStore(), {}, /first argument a function that makes a new/],
    ['a runner without it()', make, { runner: { describe() {} } }, /`runner` with the functions/],
    ['an empty title', make, { title: '' }, /a text as its `title`/],
    ['no time', make, { timeoutMs: 0 }, /positive number of milliseconds/],
    ['an unknown option', make, { clok: true }, /no option "clok"/],
  ])('rejects %s', (_, subject, options, why) => {
    expect(() => describeLimitStore(subject as never, options as KitOptions)).toThrow(why);
  });

  it('keeps the frames of the subject in the stack of a failure', async () => {
    const { failures } = await runKit((runner) =>
      describeLimitStore(
        function makeFails(): MemoryLimitStore {
          throw new TypeError('no table');
        },
        { runner },
      ),
    );

    const [{ error }] = failures as [(typeof failures)[0]];
    expect(error.message).toContain('no table');
    expect(error.stack).toContain('makeFails');
  });

  it('is loaded without a test runner, and runs on node:test', async () => {
    const library = await compileLibrary();
    try {
      const code = `
        import { describe, it } from 'node:test';
        const { MemoryLimitStore } = await import(${JSON.stringify(`${library.folder}/index.js`)});
        const { describeLimitStore } = await import(${JSON.stringify(`${library.folder}/testing/index.js`)});
        describeLimitStore(({ now }) => new MemoryLimitStore({ now }), {
          title: 'Mine', clock: true, runner: { describe, it },
        });`;
      const { status, stdout } = spawnSync(
        process.execPath,
        ['--test-reporter=tap', '--input-type=module', '-e', code],
        { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
      );
      expect({ status, stdout }).toMatchObject({ status: 0 });
      expect(stdout).toContain('# Subtest: Mine');
      expect(stdout).toMatch(/^# pass [1-9]\d+$/m);
    } finally {
      library.remove();
    }
  });
});
