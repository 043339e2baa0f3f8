import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { MemoryCache } from '../../src/resilience/cache.interceptor.js';

afterEach(() => void jest.useRealTimers());

describe('The in-memory cache', () => {
  it('bounds the number of entries, and evicts the least recently used', () => {
    const cache = new MemoryCache(2);
    cache.set('a', '1', 1_000);
    cache.set('b', '2', 1_000);
    cache.get('a');
    cache.set('c', '3', 1_000);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['1', undefined, '3']);
  });

  it('bounds the bytes of all entries', () => {
    const cache = new MemoryCache(1_000, 10_000);
    for (let i = 0; i < 100; i++) cache.set(`key${i}`, 'x'.repeat(1_000), 1_000);
    expect(cache.size.entries).toBe(4);
    expect(cache.size.bytes).toBeLessThanOrEqual(10_000);
    expect(cache.get('key99')).toBeDefined();
    expect(cache.get('key95')).toBeUndefined();
  });

  it('does not store an entry larger than the whole cache, and keeps the others', () => {
    const cache = new MemoryCache(1_000, 10_000);
    cache.set('small', 'x', 1_000);
    cache.set('large', 'x'.repeat(5_000), 1_000);
    expect([cache.get('small'), cache.get('large')]).toEqual(['x', undefined]);
    cache.set('small', 'x'.repeat(5_000), 1_000);
    expect(cache.size).toEqual({ entries: 0, bytes: 0 });
  });

  it('counts an entry once that is written or read again', () => {
    const cache = new MemoryCache(10);
    for (let i = 0; i < 5; i++) {
      cache.set('a', '12', 1_000);
      cache.get('a');
    }
    expect(cache.size).toEqual({ entries: 1, bytes: 6 });
  });

  it('evicts expired entries, also without reads', () => {
    jest.useFakeTimers();
    const cache = new MemoryCache(10);
    cache.set('a', '1', 1_000);
    jest.advanceTimersByTime(500);
    cache.set('b', '2', 1_000);
    jest.advanceTimersByTime(500);
    expect(cache.size.entries).toBe(1);
    jest.advanceTimersByTime(500);
    expect(cache.size).toEqual({ entries: 0, bytes: 0 });
    expect(jest.getTimerCount()).toBe(0);
    cache.set('c', '3', 1_000);
    jest.advanceTimersByTime(1_000);
    expect(cache.size.entries).toBe(0);
  });
});
