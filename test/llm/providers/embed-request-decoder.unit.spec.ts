import { expect, it } from '@jest/globals';
import type { EmbedRequest } from 'nestjs-llm-callbacks';
import { decodeEmbedRequest } from '../../../src/llm/providers/openai/embeddings.js';
import type { WireObject } from '../../../src/llm/providers/shared/wire-values.js';
import { nested } from '../../support/deep.js';

it.each<[string, WireObject, Partial<EmbedRequest>]>([
  ['a text', { input: 'Hi' }, { input: ['Hi'] }],
  ['texts', { input: ['Hi', 'Ho'] }, { input: ['Hi', 'Ho'] }],
  ['no texts', { input: [] }, { input: [] }],
  ['the tokens of one text', { input: [1, 2, 3] }, { input: [''] }],
  ['the tokens of two texts', { input: [[1, 2], [3]] }, { input: ['', ''] }],
  ['a text among others', { input: [[1], 'Hi', null] }, { input: ['', 'Hi', ''] }],
  ['no input', {}, { input: [] }],
  ['an input of a wrong type', { input: 7 }, { input: [], providerOptions: { input: 7 } }],
  ['dimensions', { input: 'Hi', dimensions: 256 }, { input: ['Hi'], dimensions: 256 }],
  [
    'dimensions of a wrong type',
    { input: 'Hi', dimensions: '256' },
    { input: ['Hi'], providerOptions: { dimensions: '256' } },
  ],
  [
    'other options, and the format of the answer',
    { input: 'Hi', user: 'u', encoding_format: 'base64' },
    { input: ['Hi'], providerOptions: { user: 'u' } },
  ],
])('decodes a request to embed %s', (_what, body, expected) => {
  expect(decodeEmbedRequest({ model: 'm', ...body })).toStrictEqual({ model: 'm', ...expected });
});

it.each(['model', 'input', 'dimensions', 'user'])(
  'decodes a request for embeddings that is nested deeply in its %s',
  (name) => {
    expect(decodeEmbedRequest({ [name]: nested(100_000) }).model).toBe('');
  },
);
