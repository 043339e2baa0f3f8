import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LoggingCallbacks, type LoggingOptions } from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

/** Runs one call and gives what was logged of it. */
async function logged(
  options: LoggingOptions,
  answer: FakeAnswer,
  call: object = {},
): Promise<[level: string, line: string][]> {
  const { llm } = await startApp(
    {},
    { answers: [answer], callbacks: [new LoggingCallbacks(options)] },
  );
  const lines: [string, string][] = [];
  const write = (level: string) => (line: unknown) => void lines.push([level, String(line)]);
  Logger.overrideLogger({
    log: write('log'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('error'),
  });
  await llm.generate('a secret prompt', call).catch(() => undefined);
  return lines;
}

describe('LoggingCallbacks', () => {
  it('writes one readable line a run, without prompt or answer', async () => {
    const lines = await logged({}, 'a secret answer', { userId: 'ada' });
    expect(lines).toEqual([
      [
        'log',
        expect.stringMatching(
          /^llm fake\/fake · stop · \d+ in, \d+ out · price unknown · \d+ ms · user ada$/,
        ),
      ],
    ]);
  });

  it('writes one JSON object a run, at the level that is asked for', async () => {
    const [[level, line] = []] = await logged({ json: true, level: 'debug' }, 'a secret answer');
    expect(level).toBe('debug');
    expect(JSON.parse(line ?? '')).toMatchObject({
      type: 'llm.end',
      name: 'fake/fake',
      cost: null,
      attempts: 1,
    });
    expect(line).not.toContain('secret');
  });

  it('writes failed runs as errors and aborted ones as warnings, without what the provider said', async () => {
    expect(await logged({}, new Error('a secret'))).toEqual([
      [
        'error',
        expect.stringMatching(
          /^llm fake\/fake · LlmServerError \(server_error\) · 0 in, 0 out · \$0\.000000/,
        ),
      ],
    ]);
    expect(await logged({}, 'x', { signal: AbortSignal.abort() })).toEqual([
      ['warn', expect.stringMatching(/^llm fake\/fake · AbortError \(aborted\)/)],
    ]);
  });

  it('lets no name break the line or colour the terminal', async () => {
    const [[, line] = []] = await logged({}, 'x', { userId: 'a\nERROR \u001b[31mb\u202e' });
    expect(line).toContain(String.raw`user a\nERROR \u001b[31mb`);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});
