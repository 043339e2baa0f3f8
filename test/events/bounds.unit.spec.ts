import { describe, expect, it } from '@jest/globals';
import {
  reviveEvent,
  ToolEndEvent,
  type CallbackEvent,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import {
  MAX_DEPTH,
  MAX_NODES,
  MAX_TEXT_CHARS,
  REPEATED_NODES,
  REPEATED_SHARE,
} from '../../src/util/bounds.js';
import { newSafeCopy, toJsonText, toSafeJson } from '../../src/events/serialize.js';
import { depthOf, doubled, holes, manyToMany, nested } from '../support/deep.js';
import { SAMPLE_EVENTS } from '../support/sample-events.js';

const SMALL = { depth: MAX_DEPTH, nodes: 500, chars: MAX_TEXT_CHARS };

const fail = (): never => {
  throw new Error('secret');
};

/** The serialized form of a value; `JSON.stringify` must accept it. */
function written(value: unknown): string {
  return JSON.stringify(toSafeJson(value));
}

describe('The depth of a serialized value', () => {
  it('is bounded, with a mark where it was cut', () => {
    for (const levels of [5_000, 100_000]) {
      const json = toSafeJson(nested(levels));
      expect(depthOf(json)).toBe(MAX_DEPTH);
      expect(JSON.stringify(json)).toContain('[cut: too deep]');
    }
  });

  it('is complete up to the bound', () => {
    expect(toSafeJson(nested(MAX_DEPTH))).toEqual(nested(MAX_DEPTH));
    expect(written(nested(MAX_DEPTH))).not.toContain('cut');
  });

  it('is bounded for objects, maps, sets and toJSON, too', () => {
    let value: unknown = 'bottom';
    for (let i = 0; i < 8_000; i++) {
      const inner = value;
      value = [{ a: inner }, new Map([['a', inner]]), new Set([inner]), { toJSON: () => [inner] }][
        i % 4
      ];
    }
    expect(depthOf(toSafeJson(value))).toBe(MAX_DEPTH);
  });
});

describe('The number of serialized values', () => {
  it('is linear for users and groups that refer to each other', () => {
    const objects = 2 * 6 * (6 + 3) + 1;
    const json = written(manyToMany(6));
    const visits = json.split(/[[{,:]/).length;
    expect(visits).toBeLessThan(3 * (REPEATED_NODES + (1 + REPEATED_SHARE) * objects));
    expect(json).toContain('[Shared]');
    expect(json).toContain('[Circular]');
  });

  it('is linear for lists of twice the same list', () => {
    const json = written(doubled(60));
    expect(json.length).toBeLessThan(20 * REPEATED_NODES);
    expect(json).toContain('[Shared]');
    expect(toJsonText(doubled(60)).length).toBeLessThan(20 * REPEATED_NODES);
  });

  it('includes values that occur several times in full each time', () => {
    const rows = Array.from({ length: 10_000 }, (_, id) => ({ id }));
    const value = { first: rows, second: rows, third: [rows] };
    expect(toSafeJson(value)).toEqual(value);
  });

  it.each<[string, () => unknown]>([
    ['a list', () => Array.from({ length: MAX_NODES + 9 }, () => 0)],
    ['a list of holes', () => holes(4_000_000_000)],
    ['a set', () => new Set(Array.from({ length: MAX_NODES + 9 }, (_, i) => i))],
  ])('is bounded for %s', (_, make) => {
    const json = toSafeJson(make()) as unknown[];
    expect(json).toHaveLength(MAX_NODES);
    expect(json.at(-1)).toBe('[cut: too large]');
  });

  it('is bounded for a map and an object, which are marked by a key', () => {
    const entries = Array.from({ length: 900 }, (_, i): [string, number] => [`k${i}`, i]);
    for (const value of [new Map(entries), Object.fromEntries(entries)]) {
      const json = newSafeCopy(SMALL).copy(value) as Record<string, unknown>;
      expect(Object.keys(json)).toHaveLength(SMALL.nodes);
      expect(json['[cut]']).toBe('[cut: too large]');
    }
  });

  it('is bounded if every toJSON creates two more', () => {
    class Tree {
      toJSON(): unknown {
        return { left: new Tree(), right: new Tree() };
      }
    }
    const json = JSON.stringify(newSafeCopy(SMALL).copy(new Tree()));
    expect(json.length).toBeLessThan(100 * SMALL.nodes);
    expect(json).toContain('[cut: too large]');
  });
});

describe('The length of serialized text', () => {
  it('is bounded in total, and never cut within a character', () => {
    const half = 'x'.repeat(MAX_TEXT_CHARS / 2 - 1);
    const [first, second, third] = toSafeJson([half, `${half}x😀`, 'more']) as string[];
    expect(first).toBe(half);
    expect(second).toBe(`${half}x[cut: too large]`);
    expect(third).toBe('[cut: too large]');
  });

  it('is bounded for keys', () => {
    const json = toSafeJson({ a: 1, ['k'.repeat(MAX_TEXT_CHARS)]: 2 });
    expect(json).toEqual({ a: 1, '[cut]': '[cut: too large]' });
  });
});

describe('A value that cannot be serialized', () => {
  it('is marked if a getter, a toJSON or a proxy throws', () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const value = {
      fine: 1,
      get odd() {
        return fail();
      },
      json: { toJSON: fail },
      list: [Object.defineProperty({}, 'pipe', { get: fail })],
      revoked: revoked.proxy,
      keys: new Proxy({}, { ownKeys: fail }),
      date: Object.create(Date.prototype) as unknown,
      map: new Map([[Object.create(null), 1]]),
    };
    const mark = '[unreadable]';
    const marks = { odd: mark, json: mark, revoked: mark, keys: mark, date: mark, map: mark };
    expect(toSafeJson(value)).toEqual({ fine: 1, list: [mark], ...marks });
  });

  it('is cut if a toJSON returns itself, or never ends', () => {
    const self: object = { toJSON: () => self };
    const endless = (): object => ({ toJSON: endless });
    expect(toSafeJson([self, endless()])).toEqual(['[Circular]', '[cut: too deep]']);
  });

  it('does not crash the process if a toJSON rejects', () => {
    expect(toSafeJson([{ toJSON: async () => fail() }])).toEqual([null]);
  });

  it('can be an error whose fields throw', () => {
    const error = Object.defineProperties(new Error('x'), {
      code: { get: fail },
      message: { get: fail },
      name: { value: { not: 'a text' } },
    });
    const json = { name: 'Error', message: 'an error without a text', retryable: false };
    expect(toSafeJson(error)).toEqual(json);
    expect(toSafeJson([error])).toEqual([json]);
  });
});

describe('The text of a value', () => {
  it.each<[string, unknown]>([
    ['plain data', { a: [1, 'x', null, true, undefined], b: undefined, c: {} }],
    ['dates, maps and errors', [new Date(0), new Map([[1, 2]]), new Error('x'), /x/]],
    ['odd numbers', [Number.NaN, Infinity, -0, 1e300]],
    ['boxed values', [new Number(1), new String('x'), new Boolean(false)]],
    ['functions and symbols', [() => 1, Symbol('x'), { a: () => 1 }]],
    ['bytes', [Buffer.from('x'), new Uint8Array([1, 2])]],
    ['a toJSON with its key', { a: { toJSON: (key: string) => key }, b: [{ toJSON: String }] }],
    ['holes', holes(3)],
    ['keys that are dangerous', JSON.parse('{"__proto__":{"a":1}}')],
  ])('equals JSON.stringify for %s', (_, value) => {
    expect(toJsonText(value)).toBe(JSON.stringify(value));
  });

  it('has BigInt as strings, and cuts cycles', () => {
    const cycle: Record<string, unknown> = { big: 1n, map: new Map([['a', 1]]) };
    expect(toJsonText([1n])).toBe('["1"]');
    expect(toJsonText({ ...cycle, cycle: Object.assign(cycle, { cycle }) })).toContain(
      '"cycle":"[Circular]"',
    );
  });
});

describe('A serialized event', () => {
  const hostile: [string, unknown][] = [
    ['deep', nested(10_000)],
    ['many-to-many', manyToMany(8)],
    ['huge', Array.from({ length: MAX_NODES + 9 }, (_, i) => i)],
    ['with a toJSON of its own', { toJSON: () => 'text' }],
    ['with a toJSON that throws', { toJSON: fail }],
  ];

  it.each(hostile)(
    'whose metadata and result are %s is deserialized to the same JSON',
    (_, value) => {
      const event = Object.create(ToolEndEvent.prototype, {
        ...Object.getOwnPropertyDescriptors(SAMPLE_EVENTS['tool.end']),
        metadata: { value: { value }, enumerable: true },
        tags: { value: ['a', value], enumerable: true },
        result: { value, enumerable: true },
      }) as CallbackEvent;
      const json = JSON.stringify(event);
      const revived = reviveEvent(JSON.parse(json));
      expect(JSON.stringify(revived)).toBe(json);
      expect(revived.tags[0]).toBe('a');
    },
  );

  it('keeps its ids and numbers after a field that is too large', () => {
    const { response } = SAMPLE_EVENTS['llm.end'];
    const event = Object.create(SAMPLE_EVENTS['llm.end'], {
      response: { value: { ...response, text: 'x'.repeat(2 * MAX_TEXT_CHARS) } },
      metadata: { value: { rows: Array.from({ length: MAX_NODES + 9 }, () => 'x') } },
    }) as LlmEndEvent;
    const json = event.toJSON();
    expect(json['timestamp']).toBe(event.timestamp);
    expect(json['usage']).toEqual(event.usage);
    expect(json['durationMs']).toBe(event.durationMs);
  });

  it('whose metadata has another type still has an object', () => {
    const event = Object.create(SAMPLE_EVENTS['tool.end'], {
      metadata: { value: { toJSON: () => 'text' } },
    }) as CallbackEvent;
    const json = event.toJSON();
    expect(json['metadata']).toEqual({ metadata: 'text' });
    expect(reviveEvent(json).toJSON()).toEqual(json);
  });

  it('in a callback.error is complete', () => {
    const sample = SAMPLE_EVENTS['callback.error'];
    const inner = Object.create(SAMPLE_EVENTS['llm.error'], {
      metadata: { value: { deep: nested(9_000), many: manyToMany(8) } },
    }) as CallbackEvent;
    const event = Object.create(sample, { event: { value: inner } }) as CallbackEvent;
    const revived = reviveEvent(JSON.parse(JSON.stringify(event)));
    expect(revived).toMatchObject({ event: { runId: inner.runId, timestamp: inner.timestamp } });
  });

  it('does not throw for a field that throws when it is read', () => {
    const event = Object.create(SAMPLE_EVENTS['llm.start'], {
      estimate: { get: fail },
    }) as CallbackEvent;
    expect(event.toJSON()).toMatchObject({ estimate: '[unreadable]' });
  });
});
