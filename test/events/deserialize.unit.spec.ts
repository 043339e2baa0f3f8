import { describe, expect, it } from '@jest/globals';
import {
  LlmEndEvent,
  LlmErrorEvent,
  reviveEvent,
  type CallbackErrorEvent,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { EVENT_TYPES } from '../../src/events/event-map.js';
import { SAMPLE_EVENTS } from '../support/sample-events.js';

/** As a queue returns it. */
function stored(event: CallbackEvent): Record<string, unknown> {
  return JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
}

describe.each(EVENT_TYPES)('A deserialized %s', (type) => {
  const event = SAMPLE_EVENTS[type];
  const json = stored(event);
  const revived = reviveEvent(stored(event));

  it('is of the same class, and not of a subclass', () => {
    expect(revived).toBeInstanceOf(event.constructor);
    expect(revived.type).toBe(type);
  });

  it('serializes to the same JSON', () => {
    expect(revived.toJSON()).toEqual(json);
    expect(JSON.stringify(revived)).toBe(JSON.stringify(event));
  });

  it('has every field of the event, except those that need a run', () => {
    const names = [...Object.keys(event), ...gettersOf(event)];
    const read = revived as unknown as Record<string, unknown>;
    for (const name of names) expect(() => read[name]).not.toThrow();
    for (const name of Object.keys(json).filter((key) => key !== 'v'))
      expect(read[name]).toBeDefined();
  });
});

describe('A deserialized event', () => {
  it('has plain errors with the fields of the original errors', () => {
    const failed = reviveEvent(stored(SAMPLE_EVENTS['llm.error'])) as LlmErrorEvent;
    const expected = {
      name: 'LlmRateLimitError',
      message: 'slow down',
      code: 'rate_limit',
      retryable: true,
      status: 429,
    };
    for (const error of [failed.error, failed.attempts[0]?.error]) {
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject(expected);
    }
    const { response } = reviveEvent(stored(SAMPLE_EVENTS['llm.end'])) as LlmEndEvent;
    expect(response.attempts[0]?.error).toBeInstanceOf(Error);
  });

  it('has the event of the failed handler', () => {
    const { event } = reviveEvent(stored(SAMPLE_EVENTS['callback.error'])) as CallbackErrorEvent;
    expect(event).toBeInstanceOf(LlmErrorEvent);
    expect((event as LlmErrorEvent).error).toBeInstanceOf(Error);
  });

  it('does not treat an object that only looks like an error as one', () => {
    const { input } = reviveEvent(stored(SAMPLE_EVENTS['chain.start'])) as unknown as {
      input: object;
    };
    expect(input).toEqual({ error: { name: 'x' } });
  });

  it('keeps dangerous keys as keys', () => {
    const hostile = JSON.stringify(SAMPLE_EVENTS['llm.end']).replace(
      '{"plan":"gold"}',
      '{"__proto__":{"polluted":true}}',
    );
    const json = JSON.parse(`{"__proto__":{"userId":"eve"},${hostile.slice(1)}`) as object;
    const event = reviveEvent(json);
    expect(Object.getPrototypeOf(event)).toBe(LlmEndEvent.prototype);
    expect(Object.keys(event.metadata)).toEqual(['__proto__']);
    expect(event.userId).toBe('ada');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is of this package if its JSON has no origin', () => {
    const { origin: _, ...json } = stored(SAMPLE_EVENTS['llm.end']);
    expect(json).toMatchObject({ observed: true });
    const revived = reviveEvent(json);
    expect(revived).toMatchObject({ origin: 'own', observed: false });
    expect(revived.toJSON()).toMatchObject({ origin: 'own', observed: false });
  });

  it('keeps an origin of a later version, which is observed', () => {
    const json = { ...stored(SAMPLE_EVENTS['llm.end']), origin: 'later', observed: false };
    expect(reviveEvent(json)).toMatchObject({ origin: 'later', observed: true });
  });

  it('reads own keys only', () => {
    const { userId: _, ...json } = stored(SAMPLE_EVENTS['llm.end']);
    expect(reviveEvent(Object.setPrototypeOf(json, { userId: 'eve' })).userId).toBeUndefined();
  });
});

describe('Invalid JSON of an event is rejected', () => {
  const good = stored(SAMPLE_EVENTS['llm.end']);
  const nested = stored(SAMPLE_EVENTS['callback.error']);

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /not an object/],
    ['a text', '{}', /not an object/],
    ['a list', [good], /not an object/],
    ['another version', { ...good, v: 2 }, /version/],
    ['an unknown type', { ...good, type: 'llm.secret' }, /no event of its `type`/],
    ['the name of a property of objects', { ...good, type: 'constructor' }, /`type`/],
    ['an event without an id', { ...good, eventId: undefined }, /`eventId`/],
    ['scopes that are no texts', { ...good, scopes: [{}] }, /`scopes`/],
    ['metadata that is a list', { ...good, metadata: [] }, /`metadata`/],
    ['an origin that is no text', { ...good, origin: 7 }, /`origin`/],
    ['a date as timestamp', { ...good, timestamp: '2026' }, /`timestamp`/],
    ['an endless failure', { ...nested, event: nested }, /callback\.error itself/],
  ])('%s', (_, json, why) => {
    expect(() => reviveEvent(json)).toThrow(why);
    expect(() => reviveEvent(json)).toThrow(expect.objectContaining({ code: 'invalid_event' }));
    expect(() => reviveEvent(json)).not.toThrow(/secret/);
  });
});

function gettersOf(event: object): string[] {
  const names: string[] = [];
  for (let at: unknown = event; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const found = Object.entries(Object.getOwnPropertyDescriptors(at as object));
    names.push(...found.filter(([, property]) => 'get' in property).map(([name]) => name));
  }
  return names.filter((name) => name !== 'run');
}
