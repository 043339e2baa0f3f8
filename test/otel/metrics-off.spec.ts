import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import { CallbacksService, LlmService } from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { closeApps, startApp } from '../support/app.js';
import { diag, metrics } from '../support/otel/api.js';
import { Telemetry } from '../support/otel/telemetry.js';

let telemetry: Telemetry | undefined;
afterEach(async () => {
  await closeApps();
  await telemetry?.stop();
  telemetry = undefined;
});

/** The events that have handlers. */
async function handledEvents(options: object, given: 'listed' | 'provided') {
  const callbacks = new OpenTelemetryCallbacks(options);
  @Module({ providers: [{ provide: OpenTelemetryCallbacks, useValue: callbacks }] })
  class Provided {}
  const { module } = await startApp(
    given === 'provided' ? { imports: [Provided] } : {},
    given === 'listed' ? { callbacks: [callbacks] } : {},
  );
  const { handlers } = module.get(CallbacksService).report();
  return { llm: module.get(LlmService), events: Object.keys(handlers) };
}

const ONLY_METRICS = ['llm.chunk', 'callback.end', 'callback.error', 'limiter.wait'];

describe.each(['listed', 'provided'] as const)('OpenTelemetryCallbacks, %s,', (given) => {
  it('handles chunks and measures handlers while metrics are received', async () => {
    telemetry = await Telemetry.start();
    const { events, llm } = await handledEvents({}, given);
    expect(events).toEqual(expect.arrayContaining(ONLY_METRICS));
    await llm.stream('Hi').response;
    const names = (await telemetry.metrics()).map(({ name }) => name);
    expect(names).toContain('gen_ai.client.inference.duration');
  });

  it('handles neither without metrics', async () => {
    telemetry = await Telemetry.start();
    const { events, llm } = await handledEvents({ metrics: false }, given);
    for (const type of ['llm.chunk', 'callback.end']) expect(events).not.toContain(type);
    await llm.stream('Hi').response;
    expect(await telemetry.metrics()).toEqual([]);
  });

  it('handles neither while no MeterProvider is registered', async () => {
    const { events, llm } = await handledEvents({}, given);
    for (const type of ['llm.chunk', 'callback.end']) expect(events).not.toContain(type);
    expect((await llm.generate('Hi')).text).toBe('hello');
  });
});

describe('A MeterProvider', () => {
  it('may be given, in place of the global one', async () => {
    telemetry = await Telemetry.start();
    const { meterProvider } = telemetry;
    metrics.disable();
    const { llm } = await handledEvents({ meterProvider }, 'listed');
    await llm.generate('Hi');
    expect((await telemetry.metrics()).length).toBeGreaterThan(0);
  });

  it('that is registered after the start gets the metrics of runs', async () => {
    const { llm } = await handledEvents({}, 'listed');
    await llm.generate('Hi');
    telemetry = await Telemetry.start();
    await llm.generate('Hi');
    const names = (await telemetry.metrics()).map(({ name }) => name);
    expect(names).toContain('gen_ai.client.inference.duration');
  });

  it.each(['getMeter', 'createHistogram', 'record'])(
    'that throws in %s breaks no call',
    async (place) => {
      const fail = () => {
        throw new Error('telemetry is down');
      };
      const throwing = (name: string, value: () => unknown) => (name === place ? fail : value);
      const record = throwing('record', () => undefined);
      const instrument = { record, add: record };
      const create = throwing('createHistogram', () => instrument);
      const meterProvider = {
        getMeter: throwing('getMeter', () => ({ createHistogram: create, createCounter: create })),
      };
      const logger = { verbose() {}, debug() {}, info() {}, error() {}, warn: jest.fn() };
      diag.setLogger(logger, { suppressOverrideMessage: true });
      const { llm } = await handledEvents({ meterProvider }, 'listed');
      expect((await llm.stream('Hi').response).text).toBe('hello');
      expect((await llm.generate('Hi')).text).toBe('hello');
      diag.disable();
      expect(logger.warn).toHaveBeenCalledWith(
        'nestjs-llm-callbacks: telemetry failed: telemetry is down',
      );
    },
  );
});
