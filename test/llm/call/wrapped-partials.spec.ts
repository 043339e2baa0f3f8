import { describe, expect, it } from '@jest/globals';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import { partialObjectsOf } from '../../../src/llm/call/partial-json.js';
import { readAll } from '../../support/wire/index.js';

/** All states of a text that arrives character by character. */
async function statesOf(text: string, isWrapped = true): Promise<unknown[]> {
  async function* chunks(): AsyncGenerator<LlmChunk, void, undefined> {
    for (const character of text) yield { type: 'text', text: character };
  }
  return readAll(partialObjectsOf(chunks(), isWrapped));
}

describe('The partial states of a wrapped value', () => {
  it.each<[string, unknown[]]>([
    ['{"value":["a","b"]}', [[], [''], ['a'], ['a', ''], ['a', 'b']]],
    ['{"value": "fern"}', ['', 'f', 'fe', 'fer', 'fern']],
    ['{"value":17}', [17]],
    ['{"value":false}', [false]],
    ['{"value":{"id":1}}', [{}, { id: 1 }]],
    ['["a"]', [[], [''], ['a']]],
    ['{"id":1,"name":2}', [{ id: 1 }, { id: 1, name: 2 }]],
    ['{}', []],
  ])('of %s contain only the value', async (text, states) => {
    expect(await statesOf(text)).toEqual(states);
  });

  it('contain the whole text if nothing is wrapped', async () => {
    expect(await statesOf('{"value":17}', false)).toEqual([{}, { value: 17 }]);
  });
});
