import type { TestRunner } from 'nestjs-llm-callbacks/testing';

/** A test of a kit that failed. */
export interface KitFailure {
  readonly title: string;
  readonly error: Error;
}

/**
 * Runs the tests that a kit registers, one after the other; returns their titles, and those that failed.
 *
 * @param only the beginnings of the titles of the tests to run
 */
export async function runKit(
  register: (runner: TestRunner) => void,
  only: readonly string[] = [''],
): Promise<{ readonly titles: string[]; readonly failures: KitFailure[] }> {
  const tests = new Map<string, () => Promise<void>>();
  register({
    describe: (_title, add) => add(),
    it(title, test) {
      if (tests.has(title)) throw new Error(`There are two tests of the title "${title}".`);
      if (only.some((start) => title.startsWith(start))) tests.set(title, test);
    },
  });
  const failures: KitFailure[] = [];
  for (const [title, test] of tests) {
    try {
      await test();
    } catch (error) {
      failures.push({ title, error: error as Error });
    }
  }
  return { titles: [...tests.keys()], failures };
}
