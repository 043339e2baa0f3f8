import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { LlmServerError, MaxStepsExceededError, ToolExecutionError } from 'nestjs-llm-callbacks';
import { logReason, logStack, logText } from '../../src/util/log.js';

const SRC = join(process.cwd(), 'src');

it('Only Log calls Nest’s Logger, so that no text can forge a log line', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  const others = files
    .filter((file) => file.endsWith('.ts') && file !== 'util/log.ts')
    .filter((file) => /new Logger\(|\bLogger\.\w+\(/.test(readFileSync(join(SRC, file), 'utf8')));
  expect(others).toEqual([]);
});

describe('A log text', () => {
  it.each([
    ['sk-ant-api03-abcDEF0123456789', '[redacted]'],
    ['Incorrect API key provided: sk-proj-ab****yz.', 'Incorrect API key provided: [redacted].'],
    ['Authorization: Bearer abc.def-123', 'Authorization: [redacted]'],
    ['{"x-api-key":"abc","model":"m"}', '{"x-api-key":"[redacted]","model":"m"}'],
    ['redis://user:hunter2@127.0.0.1:6379', 'redis://user:[redacted]@127.0.0.1:6379'],
    ['a\r\nb\u001b[31m\u202e\u200f', String.raw`a\u000d\nb\u001b[31m\u202e\u200f`],
    ['The disk is full: 3 of 4.', 'The disk is full: 3 of 4.'],
    ['Set OPENAI_API_KEY, or give llm.apiKey.', 'Set OPENAI_API_KEY, or give llm.apiKey.'],
  ])('%j is written as %j', (text, expected) => {
    expect(logText(text)).toBe(expected);
  });

  it('is sanitized in linear time, also for malicious texts', () => {
    const before = process.cpuUsage();
    for (const part of ['eyJ', 'sk-', 'a://', 'api_key=', 'bearer ', '\\"'])
      logReason(new Error(part.repeat(200_000)));
    // Not the time of the clock, which passes on a busy machine, too.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });

  it('has the frames of a stack, and the message on its first line', () => {
    const stack = logStack(new Error('no\n    at forged (x.js:1:1)\nforged'));
    const [first, ...places] = stack.split('\n');
    expect(first).toBe(String.raw`Error: no\n    at forged (x.js:1:1)\nforged`);
    expect(places.length).toBeGreaterThan(0);
    for (const place of places) expect(place).toMatch(/^ {4}at (?!forged)/);
  });
});

describe('The console.error output of a package error', () => {
  it('has its numbers and names, and the classes of its causes', () => {
    const cause = Object.assign(new Error('You sent: secret'), {
      status: 500,
      headers: { authorization: 'secret' },
    });
    const error = new LlmServerError('openai failed.', { cause, status: 500, requestId: 'req_1' });
    const printed = inspect(error);
    expect(printed).toContain('LlmServerError: openai failed.\n    at ');
    expect(printed).toContain("code: 'server_error'");
    expect(printed).toContain("requestId: 'req_1'");
    expect(printed).toContain('[cause]: Error (status 500): its message is in error.cause');
    expect(printed).not.toContain('secret');
    // The fields are still on the object.
    expect(error.cause).toBe(cause);
    expect(cause.headers.authorization).toBe('secret');
    expect(inspect(cause)).not.toContain('authorization');
    expect(JSON.stringify(cause)).not.toContain('authorization');
  });

  it('has the message of a cause from the application', () => {
    const error = new ToolExecutionError('no', { cause: new Error('The disk is full.') });
    expect(inspect(error)).toContain('[cause]: Error: The disk is full.');
  });

  it('does not have the transcript of an agent', () => {
    const messages = [{ role: 'user' as const, content: 'secret' }];
    const error = new MaxStepsExceededError('Too many.', [], { messages });
    expect(inspect(error)).not.toContain('secret');
    expect(error.messages).toBe(messages);
    expect(error.steps).toEqual([]);
    expect(Object.keys(error)).not.toContain('messages');
  });
});
