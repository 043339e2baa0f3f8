import assert from 'node:assert/strict';
import type { Usage } from '../../index.js';
import type { ObservedBench } from './observed-bench.js';
import { type AnswerMethod, rejection } from './provider-bench.js';
import { USAGE } from './provider-replies.js';

/** Fails unless all events are those of the observed code. */
export function assertOrigin({ recording, options }: ObservedBench): void {
  for (const event of recording.events) {
    assert.equal(event.origin, options.origin);
    assert.equal(event.observed, true);
  }
}

/** Fails unless the usage is the reported one, or an estimate if none is reported. */
export function assertUsage({ options }: ObservedBench, usage: Usage): void {
  const { inputTokens, outputTokens, source } = usage;
  if (options.usage === false) {
    assert.equal(source, 'estimated');
    assert.ok(inputTokens > 0 && outputTokens > 0, 'A usage that nobody reports is estimated.');
  } else {
    assert.deepEqual({ inputTokens, outputTokens, source }, { ...USAGE, source: 'provider' });
  }
}

/** Fails unless the call fails with the expected error among its causes. */
export async function assertRefused(
  bench: ObservedBench,
  method: AnswerMethod,
  isExpected: (cause: Error) => boolean,
): Promise<void> {
  assertCause(await rejection(bench.call(method)), isExpected);
}

/** Fails unless an error, or the cause of it, or the cause of its cause …, is the expected one. */
export function assertCause(error: Error, isExpected: (cause: Error) => boolean): void {
  const causes: unknown[] = [];
  for (let cause: unknown = error; cause !== undefined && !causes.includes(cause);) {
    causes.push(cause);
    cause = (Object(cause) as { cause?: unknown }).cause;
  }
  const found = causes.some((cause) => isExpected(cause as Error));
  assert.ok(found, `The caller got another error than that of the refusal: ${error.message}`);
}

export function isOfBudget(cause: Error): boolean {
  return (cause as { code?: unknown }).code === 'budget_exceeded';
}
