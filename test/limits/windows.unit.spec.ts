import { describe, expect, it } from '@jest/globals';
import { CallbacksConfigurationError } from 'nestjs-llm-callbacks';
import { limitWindow, type WindowLength } from '../../src/limits/limit-window.js';

const HOUR = 3_600_000;

function bucket(length: WindowLength, at: string, timeZone?: string) {
  const { start, end } = limitWindow(length, timeZone).bucketAt(Date.parse(at));
  return [start, end].map((time) => new Date(time).toISOString().slice(0, 16));
}

describe('A calendar window', () => {
  it.each<[WindowLength, string, string, string]>([
    ['hour', '2027-01-15T08:31:10Z', '2027-01-15T08:00', '2027-01-15T09:00'],
    ['day', '2027-01-15T08:31:10Z', '2027-01-15T00:00', '2027-01-16T00:00'],
    ['month', '2027-12-31T23:59:59Z', '2027-12-01T00:00', '2028-01-01T00:00'],
    ['month', '2028-02-29T12:00:00Z', '2028-02-01T00:00', '2028-03-01T00:00'],
  ])('is a %s of UTC by default', (length, at, start, end) => {
    expect(bucket(length, at)).toEqual([start, end]);
  });

  it.each<[WindowLength, string, string, string, string]>([
    ['day', 'Europe/Berlin', '2027-01-14T23:30Z', '2027-01-14T23:00', '2027-01-15T23:00'],
    ['day', 'America/New_York', '2027-01-15T04:59Z', '2027-01-14T05:00', '2027-01-15T05:00'],
    ['month', 'Asia/Tokyo', '2027-01-31T15:00Z', '2027-01-31T15:00', '2027-02-28T15:00'],
    ['hour', 'Asia/Kolkata', '2027-01-15T08:31Z', '2027-01-15T08:30', '2027-01-15T09:30'],
  ])('is a %s of %s', (length, timeZone, at, start, end) => {
    expect(bucket(length, at, timeZone)).toEqual([start, end]);
  });

  it.each([
    ['23 hours long when clocks go forward', 'Europe/Berlin', '2027-03-28', 23],
    ['24 hours long on the day after', 'Europe/Berlin', '2027-03-29', 24],
    ['25 hours long when clocks go back', 'Europe/Berlin', '2027-10-31', 25],
    ['as long where the clocks change at midnight', 'Africa/Cairo', '2027-04-30', 23],
  ])('covers a day that is %s', (_, timeZone, day, hours) => {
    const window = limitWindow('day', timeZone);
    const { start, end } = window.bucketAt(Date.parse(`${day}T12:00Z`));
    expect((end - start) / HOUR).toBe(hours);
  });

  it.each([
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Africa/Cairo',
    'Australia/Lord_Howe',
    'Pacific/Apia',
  ])('has no gaps and no overlaps in %s', (timeZone) => {
    for (const length of ['day', 'month'] as const) {
      let at = Date.UTC(2024, 0, 1);
      const window = limitWindow(length, timeZone);
      while (at < Date.UTC(2028, 0, 1)) {
        const { start, end } = window.bucketAt(at);
        expect(limitWindow(length, timeZone).bucketAt(end - 1)).toEqual({ start, end });
        expect(limitWindow(length, timeZone).bucketAt(end).start).toBe(end);
        at = length === 'day' ? end + 5 * HOUR * 24 : end;
      }
    }
  });

  it('reports an unknown time zone or an invalid length', () => {
    expect(() => limitWindow('day', 'Mars/Olympus')).toThrow(/timeZone is "Mars\/Olympus"/);
    for (const length of [0, -1, 1.5, NaN, Infinity, 'week' as WindowLength]) {
      expect(() => limitWindow(length)).toThrow(CallbacksConfigurationError);
    }
  });
});

describe('A sliding window', () => {
  it.each([1, 59, 60, 1_000, 60_000, 86_400_000])(
    'of %i ms has buckets of a sixtieth of its length',
    (ms) => {
      const window = limitWindow(ms);
      const { stepMs, keepMs } = window;
      const { start, end } = window.bucketAt(1_800_000_000_123);
      expect(keepMs).toBe(ms);
      expect(end - start).toBe(stepMs);
      expect(start % stepMs!).toBe(0);
      expect(stepMs).toBe(Math.ceil(ms / 60));
    },
  );
});
