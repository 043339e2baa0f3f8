import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FIRST_LIMITS, type UserLimits } from '../../sample-app/limits/desk-limits.js';
import { portOf } from '../../sample-app/port.js';
import { Desk } from './open-desk.js';

const README = readFileSync(join(import.meta.dirname, '../../sample-app/README.md'), 'utf8');
const [, SHELL = ''] = /```bash\n(desk=[\s\S]*?)```/.exec(README) ?? [];

describe('The requests of the sample app’s README', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await Desk.open();
  });

  afterAll(() => desk.close());

  it('return the answers that it shows, and leave the limits unchanged', async () => {
    const commands = commandsOf(SHELL);
    expect(commands.length).toBeGreaterThan(8);
    for (const { command, answer } of commands) {
      const got = withoutDates(await perform(desk, command));
      expect({ command, got }).toEqual({ command, got: isAnswer(got, answer) ? got : answer });
    }

    const { budget, rate } = (await (
      await desk.fetch('/limits/you', { 'x-user-id': 'you' })
    ).json()) as UserLimits;
    expect([budget.limit, budget.used]).toEqual([FIRST_LIMITS.maxCost, 0]);
    expect([rate.limit, rate.used]).toEqual([FIRST_LIMITS.requestsPerMinute, 0]);
  });
});

it('Page and README warn that the header with the user is no authentication', () => {
  const page = readFileSync(
    join(import.meta.dirname, '../../sample-app/page/static/index.html'),
    'utf8',
  );
  expect([README, page].map((text) => /no authentication/.test(text))).toEqual([true, true]);
});

it.each(['abc', '-1', '65536', '1e3', ' '])(
  'The sample app rejects PORT=%p in one sentence',
  (value) => {
    expect(() => portOf(value)).toThrow(`PORT is "${value}". Give a number from 0 to 65535.`);
  },
);

it('The sample app’s PORT is 3000 by default, and 0 lets the system choose', () => {
  expect([portOf(undefined), portOf(''), portOf('0'), portOf('8080')]).toEqual([
    3000, 3000, 0, 8080,
  ]);
});

/** Each `curl` line, with the comment below it on one line. */
function commandsOf(shell: string): { command: string; answer: string }[] {
  const variables = new Map(
    [...shell.matchAll(/(json|question)='([^']*)'/g)].map(([, name, value]) => [name, value]),
  );
  return [...shell.matchAll(/^(curl .*)\n((?:# .*\n)*)/gm)].map(([, line = '', comment = '']) => ({
    command: line
      .replaceAll(/"\$(json|question)"/g, (_, name: string) => `'${variables.get(name)}'`)
      .replace(/ #.*$/, ''),
    answer: withoutDates(comment.replaceAll(/^# */gm, '').replaceAll('\n', '')),
  }));
}

/** A long answer is shown from `…` on; an irrelevant one is not shown. */
function isAnswer(got: string, shown: string): boolean {
  if (shown === '') return true;
  return shown.startsWith('…') ? got.includes(shown.slice(1).trim()) : got === shown;
}

async function perform(desk: Desk, command: string): Promise<string> {
  const [, path = ''] = /\$desk(\S+)/.exec(command) ?? [];
  const [, data] = / -d '([^']*)'/.exec(command) ?? [];
  const [, method = data === undefined ? 'GET' : 'POST'] = / -X (\w+)/.exec(command) ?? [];
  const headers = Object.fromEntries(
    [...command.matchAll(/ -H '([^:]+): ([^']*)'/g)].map(([, name, value]) => [name, value]),
  );
  const response = await fetch(`${desk.url}${path}`, { method, headers, body: data ?? null });
  return response.text();
}

function withoutDates(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE');
}
