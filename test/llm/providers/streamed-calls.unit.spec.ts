import { describe, expect, it } from '@jest/globals';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import { ChatStreamedCalls } from '../../../src/llm/providers/openai/chat-streamed-calls.js';

interface Entry {
  readonly index?: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
  readonly args?: unknown;
}

/** The entries of `tool_calls`, as a server sends them. */
function sent(entries: readonly Entry[]): unknown[] {
  return entries.map((entry) =>
    typeof entry !== 'object' || entry === null ? entry : toEntry(entry),
  );
}

function toEntry({ index, id, name, args }: Entry): object {
  return {
    ...(index !== undefined && { index }),
    ...(id !== undefined && { id }),
    function: {
      ...(name !== undefined && { name }),
      ...(args !== undefined && { arguments: args }),
    },
  };
}

/** The calls of the given deltas, as `id name arguments`; `?` stands for a missing id. */
function read(deltas: readonly (readonly Entry[])[]): string[] {
  const calls = new ChatStreamedCalls();
  const chunks: LlmChunk[] = [];
  for (const entries of deltas) calls.push(sent(entries), false, chunks);
  const toolCalls = calls.toToolCalls();
  const joined = new Map<number, string>();
  for (const chunk of chunks) {
    if (chunk.type !== 'tool-call') continue;
    joined.set(chunk.index, (joined.get(chunk.index) ?? '') + chunk.argsDelta);
  }
  const byIndex = [...joined].toSorted(([a], [b]) => a - b).map(([, text]) => text);
  expect(toolCalls.map(({ argsText }) => argsText)).toEqual(byIndex);
  expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(toolCalls.length);
  return toolCalls.map(({ id, name, argsText }) => {
    const isMade = id.startsWith('call_') && id.length > 30;
    return `${isMade ? '?' : id} ${name} ${argsText}`;
  });
}

const A = '{"a":"}"}';
const B = '{"b":2}';

describe('The tool calls of a chat stream', () => {
  it.each<[what: string, deltas: Entry[][], calls: string[]]>([
    [
      'two ids under one index',
      [[{ index: 0, id: 'x', name: 'f', args: A }], [{ index: 0, id: 'y', name: 'g', args: B }]],
      [`x f ${A}`, `y g ${B}`],
    ],
    [
      'two ids under one index, the first without arguments',
      [[{ index: 0, id: 'x', name: 'f', args: '' }], [{ index: 0, id: 'y', name: 'g', args: B }]],
      ['x f ', `y g ${B}`],
    ],
    [
      'two ids under one index, their pieces in turns',
      [
        [{ index: 0, id: 'x', name: 'f', args: '' }],
        [{ index: 0, id: 'y', name: 'g', args: '' }],
        [{ index: 0, id: 'x', args: A }],
        [{ index: 0, id: 'y', args: B }],
      ],
      [`x f ${A}`, `y g ${B}`],
    ],
    [
      'two names under one index, without ids',
      [[{ index: 0, name: 'f', args: A }], [{ index: 0, name: 'g', args: B }]],
      [`? f ${A}`, `? g ${B}`],
    ],
    [
      'one name twice under one index, without ids',
      [[{ index: 0, name: 'f', args: A }], [{ index: 0, name: 'f', args: B }]],
      [`? f ${A}`, `? f ${B}`],
    ],
    [
      'one name twice, its arguments in the next piece',
      [
        [{ index: 0, name: 'f', args: A }],
        [{ index: 0, name: 'f', args: '' }],
        [{ index: 0, args: B }],
      ],
      [`? f ${A}`, `? f ${B}`],
    ],
    [
      'a name that is repeated at the end',
      [[{ index: 0, id: 'x', name: 'f', args: A }], [{ index: 0, name: 'f', args: '' }]],
      [`x f ${A}`],
    ],
    [
      'a call that is repeated as a whole',
      [
        [{ index: 0, id: 'x', name: 'f', args: '{"a":' }],
        [{ index: 0, args: '"}"}' }],
        [{ index: 0, id: 'x', name: 'f', args: A }],
      ],
      [`x f ${A}`],
    ],
    [
      'one id for two calls',
      [[{ index: 0, id: 'x', name: 'f', args: A }], [{ index: 0, id: 'x', name: 'f', args: B }]],
      [`x f ${A}`, `x_2 f ${B}`],
    ],
    [
      'id and name in each piece',
      [
        [{ index: 0, id: 'x', name: 'f', args: '{"b"' }],
        [{ index: 0, id: 'x', name: 'f', args: ':2}' }],
      ],
      [`x f ${B}`],
    ],
    [
      'an id that comes late',
      [[{ index: 0, name: 'f', args: '' }], [{ index: 0, id: 'x', args: B }]],
      [`x f ${B}`],
    ],
    [
      'ids that change without a name',
      [
        [{ index: 0, id: 'x', name: 'f', args: '{' }],
        [{ index: 0, id: 'null', args: '"b"' }],
        [{ index: 0, id: 'z', args: ':2}' }],
      ],
      [`x f ${B}`],
    ],
    [
      'no index, one call a delta',
      [[{ id: 'x', name: 'f', args: A }], [{ id: 'y', name: 'f', args: B }]],
      [`x f ${A}`, `y f ${B}`],
    ],
    [
      'no index, two calls in a delta, without ids',
      [
        [
          { name: 'f', args: '' },
          { name: 'f', args: '' },
        ],
        [{ args: A }, { args: B }],
      ],
      [`? f ${A}`, `? f ${B}`],
    ],
    [
      'no index behind the first piece',
      [[{ index: 0, id: 'x', name: 'f', args: '{' }], [{ args: '"b":2}' }]],
      [`x f ${B}`],
    ],
    [
      'an index behind the first piece',
      [[{ id: 'x', name: 'f', args: '{' }], [{ index: 0, args: '"b":2}' }]],
      [`x f ${B}`],
    ],
    [
      'indexes out of order',
      [[{ index: 1, id: 'y', name: 'g', args: B }], [{ index: 0, id: 'x', name: 'f', args: A }]],
      [`x f ${A}`, `y g ${B}`],
    ],
    [
      'an index that is a text',
      [
        [{ index: '1', id: 'y', name: 'g', args: B }],
        [{ index: '0', id: 'x', name: 'f', args: A }],
      ],
      [`x f ${A}`, `y g ${B}`],
    ],
    [
      'arguments that are an object',
      [[{ index: 0, id: 'x', name: 'f', args: { b: 2 } }]],
      [`x f ${B}`],
    ],
    [
      'arguments that are null, then a text',
      [[{ index: 0, id: 'x', name: 'f', args: null }], [{ index: 0, args: B }]],
      [`x f ${B}`],
    ],
    [
      'entries of other kinds',
      [
        [
          null as unknown as Entry,
          7 as unknown as Entry,
          { index: 0, id: 'x', name: 'f', args: B },
        ],
      ],
      [`x f ${B}`],
    ],
  ])('are distinguished with %s', (_what, deltas, calls) => {
    expect(read(deltas)).toEqual(calls);
  });
});
