import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type OpenTelemetryOptions, OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { closeApps } from '../support/app.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { FORGED_LINE, plantedIn, runPlanted } from '../support/planted-secrets.js';

let telemetry: Telemetry;

beforeEach(async () => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  telemetry = await Telemetry.start();
});
afterEach(closeApps);
afterEach(() => telemetry.stop());
afterEach(() => void jest.restoreAllMocks());

/** Runs everything, and returns all that was exported. */
async function exported(options: OpenTelemetryOptions, redact?: false): Promise<string[]> {
  await runPlanted({
    callbacks: [new OpenTelemetryCallbacks(options)],
    ...(redact === false && { options: { redact } }),
  });
  const all = [
    ...(await telemetry.spans()),
    ...(await telemetry.events()),
    ...(await telemetry.metrics()),
  ];
  return all.map((one) =>
    JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );
}

describe('40 planted secrets', () => {
  it.each<OpenTelemetryOptions>([
    {},
    { semconv: 'both', content: 'both' },
    { content: 'spans' },
    { content: 'events' },
  ])('are in no span, event and metric with %j', async (options) => {
    const all = await exported(options);
    expect(all.length).toBeGreaterThan(40);
    expect(all.filter((one) => plantedIn(one).length > 0)).toEqual([]);
    expect(all.some((one) => one.includes('[redacted]'))).toBe(true);
  });

  it('are found if content is recorded and nothing is redacted', async () => {
    const all = await exported({ content: 'both' }, false);
    expect(plantedIn(all.join('\n')).length).toBeGreaterThan(15);
  });

  it('names of spans and metrics are one line', async () => {
    const all = await exported({});
    const names = [...all.join('\n').matchAll(/"name":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, name]) => JSON.parse(`"${name!}"`) as string,
    );
    expect(names.some((name) => name.includes('FORGED'))).toBe(true);
    expect(names.filter((name) => /[\p{Cc}\u202e\u2028]/u.test(name))).toEqual([]);
    expect(FORGED_LINE).toMatch(/\n/);
  });
});
