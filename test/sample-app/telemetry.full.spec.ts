import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LimitStorage } from '../../sample-app/limits/limit-storage.js';
import { DeskTelemetry } from '../../sample-app/telemetry/desk-telemetry.js';
import { Collector } from '../support/otel/collector.js';
import { ADA, Desk } from './open-desk.js';

let desk: Desk | undefined;
let collector: Collector | undefined;
afterEach(async () => {
  await desk?.close();
  await collector?.close();
  desk = collector = undefined;
});

const QUESTION = { question: 'Where is my order 1042?' };

const ask = (open: Desk) => open.post('/tickets/answer', QUESTION, ADA);

describe('The sample app', () => {
  it('shows its metrics at /metrics, without users', async () => {
    desk = await Desk.open();
    await ask(desk);
    await desk.post('/tickets', QUESTION, ADA);
    const response = await desk.fetch('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    for (const name of [
      'gen_ai_client_inference_duration_count',
      'gen_ai_client_inference_usage_input_tokens_total',
      'gen_ai_invoke_agent_duration_count',
      'gen_ai_execute_tool_duration_count',
      'nestjs_llm_callbacks_cost_total',
      'nestjs_llm_callbacks_handler_duration_count',
      'target_info{service_name="support-desk"',
    ])
      expect(text).toContain(name);
    expect(text).not.toContain('"ada"');
  });

  it('sends traces and metrics to OTEL_EXPORTER_OTLP_ENDPOINT', async () => {
    collector = await Collector.listen();
    const telemetry = await DeskTelemetry.open({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    });
    expect(telemetry.describe()).toBe(
      `Traces and metrics are sent to ${new URL(collector.url).host}.`,
    );
    desk = await Desk.open(LimitStorage.open({}), telemetry);
    await ask(desk);
    expect(await (await desk.fetch('/metrics')).text()).toContain('gen_ai_client_inference');
    await desk.close();
    desk = undefined;
    const spans = collector.spans.map(({ name, kind }) => `${kind} ${name}`);
    expect(spans.filter((span) => span.startsWith('CLIENT chat '))).toHaveLength(2);
    const metrics = collector.metrics.map(({ metric }) => metric['name'] as string);
    expect(metrics).toContain('gen_ai.client.inference.duration');
    expect(collector.bodies.every((body) => body.includes('support-desk'))).toBe(true);
  });

  it('answers, and closes soon, while no collector answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    desk = await Desk.open(LimitStorage.open({}), await DeskTelemetry.open(endpoint));
    expect((await ask(desk)).status).toBeLessThan(300);
    await desk.close();
    desk = undefined;
  });

  it('rejects an endpoint that is no URL in one sentence', async () => {
    await expect(
      DeskTelemetry.open({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }),
    ).rejects.toThrow('OTEL_EXPORTER_OTLP_ENDPOINT must be like http://127.0.0.1:4318.');
  });
});
