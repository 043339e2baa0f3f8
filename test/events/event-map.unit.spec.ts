import { describe, expect, it } from '@jest/globals';
import * as library from 'nestjs-llm-callbacks';
import { EVENTS } from 'nestjs-llm-callbacks';

const exported = library as unknown as Record<string, unknown>;

describe('Every event of the event map', () => {
  it.each(Object.entries(EVENTS))(
    '%s has an exported class and decorator, named after its method',
    (type, row) => {
      const name = row.method.slice('on'.length);
      // JavaScript has a CustomEvent.
      const className = type === 'custom' ? 'CustomCallbackEvent' : `${name}Event`;
      expect(row.event.name).toBe(className);
      expect(exported[className]).toBe(row.event);
      expect(exported[`On${name}`]).toBeInstanceOf(Function);
      expect(type).toMatch(new RegExp(`^${row.kind}(?:\\.|$)`));
      const info = { nextSeq: () => 0 } as never;
      const event = new (
        row.event as unknown as new (run: never, payload: object) => { type: string }
      )(info, {});
      expect(event.type).toBe(type);
    },
  );

  it('is dispatched to the method of its decorator', () => {
    const decorators = Object.keys(exported).filter((name) => /^On[A-Z]/.test(name));
    const methods = Object.values(EVENTS).map(({ method }) => `O${method.slice(1)}`);
    expect(decorators.toSorted()).toEqual([...methods, 'OnAnyEvent'].toSorted());
  });
});
