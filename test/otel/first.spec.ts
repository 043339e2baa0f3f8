import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { closeApps, startApp } from '../support/app.js';
import { Telemetry } from '../support/otel/telemetry.js';

let telemetry: Telemetry;
beforeEach(async () => {
  telemetry = await Telemetry.start();
});
afterEach(async () => {
  await closeApps();
  await telemetry.stop();
});

it('makes a span', async () => {
  const { llm } = await startApp(
    {},
    { callbacks: [new OpenTelemetryCallbacks({ content: 'spans' })] },
  );
  await llm.generate('Hi');
  for await (const _ of llm.stream('Hi'));
  const spans = await telemetry.spans();
  console.log(JSON.stringify(spans, (_, v) => (typeof v === 'bigint' ? String(v) : v), 1));
  expect(spans).toHaveLength(2);
});
