import { describe, expect, it } from '@jest/globals';
import { anthropic } from '../../support/wire/anthropic.js';
import {
  BILLING,
  CONTEXT,
  isRetryable,
  MODELS,
  OTHER_FORMS,
  REFUSED,
  type ErrorRow,
} from '../../support/wire/error-bodies.js';
import { ask, errorOf, METHODS, text, useBench, type Serve } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

/** All values that an error and its causes contain. */
function wordsOf(error: unknown): string {
  const { message, error: body, cause } = Object(error) as Record<string, unknown>;
  return [message, JSON.stringify(body), cause && wordsOf(cause)].join('\n').replaceAll('\\', '');
}

function answer({ status, body }: ErrorRow): Serve {
  if (typeof body === 'string') return text(body, 'text/plain', status);
  return text(JSON.stringify(body), 'application/json', status);
}

/** The title of a row. */
function sentenceOf({ body, reason }: ErrorRow): string | undefined {
  const fields = Object(Array.isArray(body) ? body[0] : body) as Record<string, unknown>;
  const inner = fields['error'] ?? fields;
  if (reason !== undefined || typeof body === 'string') return reason;
  return typeof inner === 'string' ? inner : (inner as { message?: string }).message;
}

const KINDS = {
  'in any form': OTHER_FORMS,
  billing: BILLING,
  models: MODELS,
  refused: REFUSED,
  CONTEXT,
};

describe.each([openai, anthropic])('An error response to the SDK of $name', (wire) => {
  const bench = useBench(wire);
  const rows = Object.values(KINDS).flat();

  it.each(METHODS.flatMap((method) => rows.map((row) => ({ ...row, method, name: row.is.name }))))(
    'of $of ($status) is $name, by $method',
    async ({ method, ...row }) => {
      bench.server.answers(answer(row));
      const error = await errorOf(ask(bench.llm, method));
      const { is, status, tokens } = row;
      expect(error.constructor).toBe(is);
      expect(error).toMatchObject({ name: is.name, status, retryable: isRetryable(row) });
      expect(error['tokens']).toEqual(tokens);
      // The SDK's own.
      expect(error.cause).toMatchObject({ status });
      const sentence = sentenceOf(row);
      expect(error['reason']).toBe(sentence);
      expect(wordsOf(error.cause)).toContain(sentence?.split(': ').at(-1) ?? '');
      expect(error.message).not.toContain(sentence ?? '<none>');
      expect(JSON.stringify(error)).not.toContain('reason');
    },
  );
});
