import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-node';
import {
  AgentService,
  CallbackAbort,
  CallbacksService,
  defineTool,
  LlmService,
  OnLlmStart,
  type InterceptedLlmCall,
  InterceptLlm,
  type LlmNext,
  type Redactor,
} from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks, type ContentPlace } from 'nestjs-llm-callbacks/otel';
import { closeApps, startApp } from '../support/app.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { Desk } from './desk.js';

let telemetry: Telemetry;
afterEach(async () => {
  await closeApps();
  await telemetry.stop();
});

describe('Content', () => {
  beforeEach(async () => {
    telemetry = await Telemetry.start();
  });

  async function attributesOf(name: string): Promise<Record<string, unknown>> {
    const span = (await telemetry.spans()).find((one) => one.name.startsWith(name))!;
    const json = Object.entries(span.attributes)
      .filter(([, value]) => typeof value === 'string' && /^[[{]/.test(value))
      .map(([key, value]) => [key, JSON.parse(value as string) as unknown]);
    return { ...span.attributes, ...(Object.fromEntries(json) as object) };
  }

  it('of an LLM call has the form of the convention', async () => {
    const { llm } = await startApp(
      {},
      {
        callbacks: [new OpenTelemetryCallbacks({ content: 'spans' })],
        answers: [
          { text: 'I look.', toolCalls: [{ id: 'c2', name: 'look', args: { at: 'sky' } }] },
        ],
      },
    );
    await llm.generate(
      [
        { role: 'system', content: 'Now.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', url: 'https://example.com/a.png' },
            { type: 'image', url: 'data:image/png;base64,AAAA' },
            { type: 'image', data: new Uint8Array(3), mediaType: 'image/jpeg' },
          ],
        },
        {
          role: 'assistant',
          content: '',
          toolCalls: [{ id: 'c1', name: 'look', args: { at: 'sea' }, argsText: '{"at":"sea"}' }],
        },
        { role: 'tool', toolCallId: 'c1', content: 'blue' },
      ],
      { system: 'Be kind.', tools: [{ name: 'look', description: 'Looks.' }] },
    );
    expect(await attributesOf('chat')).toMatchObject({
      'gen_ai.system_instructions': [{ type: 'text', content: 'Be kind.' }],
      'gen_ai.tool.definitions': [{ type: 'function', name: 'look' }],
      'gen_ai.input.messages': [
        { role: 'system', parts: [{ type: 'text', content: 'Now.' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'What is this?' },
            { type: 'uri', modality: 'image', uri: 'https://example.com/a.png' },
            { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA' },
            { type: 'blob', modality: 'image', mime_type: 'image/jpeg', content: '', bytes: 3 },
          ],
        },
        {
          role: 'assistant',
          parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'sea' } }],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'blue' }] },
      ],
      'gen_ai.output.messages': [
        {
          role: 'assistant',
          parts: [
            { type: 'text', content: 'I look.' },
            { type: 'tool_call', id: 'c2', name: 'look', arguments: { at: 'sky' } },
          ],
          finish_reason: 'tool_call',
        },
      ],
    });
  });

  it('of agents, tools, chains, retrievals and custom events is that of their events', async () => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      parameters: { type: 'object', properties: { at: { type: 'string' } } },
      execute: async () => ({ color: 'blue' }),
    });
    const { module } = await startApp(
      { providers: [Desk] },
      {
        callbacks: [new OpenTelemetryCallbacks({ content: 'spans' })],
        agent: { tools: [look], persona: 'You look.' },
        answers: [{ toolCalls: [{ name: 'look', args: { at: 'sea' } }] }, 'It is blue.'],
      },
    );
    await module.get(AgentService).run('Which color?');
    await module.get(Desk).find('refunds');
    await module.get(Desk).answer({ id: 7 });
    const said = (role: string, content: string, more: object = {}) => [
      { role, parts: [{ type: 'text', content }], ...more },
    ];
    expect(await attributesOf('invoke_agent')).toMatchObject({
      'gen_ai.system_instructions': [{ type: 'text', content: 'You look.' }],
      'gen_ai.input.messages': said('user', 'Which color?'),
      'gen_ai.output.messages': said('assistant', 'It is blue.', { finish_reason: 'stop' }),
      'gen_ai.tool.definitions': [{ type: 'function', name: 'look' }],
    });
    expect(await attributesOf('execute_tool')).toMatchObject({
      'gen_ai.tool.call.arguments': { at: 'sea' },
      'gen_ai.tool.call.result': { color: 'blue' },
    });
    expect(await attributesOf('retrieval')).toMatchObject({
      'gen_ai.retrieval.query.text': 'refunds',
      'gen_ai.retrieval.documents': [{ id: '1', score: 0.9 }, 'a page'],
    });
    expect(await attributesOf('invoke_workflow')).toMatchObject({
      'gen_ai.input.messages': said('user', '{"id":7}'),
      'gen_ai.output.messages': said('assistant', 'answered'),
    });
    const workflow = (await telemetry.spans()).find(({ name }) => name.includes('workflow'))!;
    expect(workflow.events).toMatchObject([
      {
        name: 'ticket.opened',
        attributes: { 'nestjs_llm_callbacks.event.data': '{"iban":"DE00"}' },
      },
    ]);
  });

  it('is the request as interceptors changed it', async () => {
    class Pirate {
      @InterceptLlm() speak({ request }: InterceptedLlmCall, next: LlmNext) {
        return next({ ...request, system: 'Speak like a pirate.' });
      }
    }
    const { llm } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks({ content: 'spans' }), new Pirate()] },
    );
    await llm.generate('Hi');
    expect((await attributesOf('chat'))['gen_ai.system_instructions']).toEqual([
      { type: 'text', content: 'Speak like a pirate.' },
    ]);
  });

  it.each<[ContentPlace, spans: boolean, events: boolean]>([
    ['none', false, false],
    ['spans', true, false],
    ['events', false, true],
    ['both', true, true],
  ])('%s: in spans %s, in events %s', async (content, inSpans, inEvents) => {
    const { llm } = await startApp({}, { callbacks: [new OpenTelemetryCallbacks({ content })] });
    await llm.generate('a secret');
    const spans = JSON.stringify((await telemetry.spans()).map(({ attributes }) => attributes));
    const events = JSON.stringify(await telemetry.events());
    expect(spans.includes('a secret')).toBe(inSpans);
    expect(events.includes('a secret')).toBe(inEvents);
  });

  it('in events is structured, beside the attributes of the span', async () => {
    const { llm } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks({ content: 'events' })] },
    );
    await llm.generate('Hi');
    const [span] = await telemetry.spans();
    const [event] = await telemetry.events();
    expect(event).toMatchObject({
      scope: { name: 'nestjs-llm-callbacks' },
      eventName: 'gen_ai.client.inference.operation.details',
      traceId: span!.traceId,
      spanId: span!.spanId,
    });
    expect(event!.attributes).toEqual({
      ...span!.attributes,
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
      'gen_ai.output.messages': [
        { role: 'assistant', parts: [{ type: 'text', content: 'hello' }], finish_reason: 'stop' },
      ],
    });
  });

  it('has an event for a call that fails', async () => {
    const { llm } = await startApp(
      {},
      {
        callbacks: [new OpenTelemetryCallbacks({ content: 'both' })],
        answers: [new Error('It broke.')],
      },
    );
    await llm.generate('Hi').catch(() => undefined);
    const [span] = await telemetry.spans();
    const [details, exception] = await telemetry.events();
    expect(details!.attributes).toMatchObject({ 'error.type': 'server_error' });
    expect(exception).toMatchObject({
      eventName: 'gen_ai.client.operation.exception',
      severityNumber: 13,
      spanId: span!.spanId,
      attributes: { 'exception.type': 'LlmServerError' },
    });
    expect(exception!.attributes['exception.message']).toBe(span!.status.message);
  });

  it('passes the redactor, whole events at a time', async () => {
    const seen: unknown[] = [];
    const redact: Redactor = {
      redact(value, place) {
        seen.push([place, (Object(value) as { type?: string }).type]);
        return JSON.parse(JSON.stringify(value).replaceAll('a secret', '[redacted]')) as unknown;
      },
    };
    const { llm } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks({ content: 'both' })], redact },
    );
    await llm.generate('a secret');
    expect(seen).toEqual([
      ['span', 'llm.start'],
      ['span', 'llm.end'],
    ]);
    expect(JSON.stringify((await telemetry.spans()).map(({ attributes }) => attributes))).toContain(
      '[redacted]',
    );
    expect(telemetry.collector.bodies.join()).not.toContain('a secret');
    expect(JSON.stringify(await telemetry.events())).not.toContain('a secret');
  });

  it('is not in the description of an error, unless it is asked for', async () => {
    class Gate {
      @OnLlmStart({ critical: true }) refuse() {
        throw new CallbackAbort('No more for ada@example.com.');
      }
    }
    for (const content of ['none', 'spans'] as const) {
      const app = await startApp(
        {},
        { callbacks: [new OpenTelemetryCallbacks({ content }), new Gate()] },
      );
      await app.module
        .get(LlmService)
        .generate('Hi')
        .catch(() => undefined);
    }
    const spans = await telemetry.spans();
    expect(spans.map(({ status }) => status)).toEqual([
      { code: 'ERROR', message: 'CallbackAbort (code callback_abort)' },
      { code: 'ERROR', message: 'No more for ada@example.com.' },
    ]);
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual([
      'callback_abort',
      'callback_abort',
    ]);
  });
});

it('A trace that is sampled out costs no work with content', async () => {
  telemetry = await Telemetry.start({ sampler: new AlwaysOffSampler() });
  let redacted = 0;
  const redact: Redactor = {
    redact(value) {
      redacted++;
      return value;
    },
  };
  const { module } = await startApp(
    { providers: [Desk] },
    { callbacks: [new OpenTelemetryCallbacks({ content: 'both' })], redact },
  );
  const callbacks = module.get(CallbacksService);
  await callbacks.run({ userId: 'ada' }, () => module.get(Desk).answer({ id: 7 }));
  await module.get(LlmService).generate('Hi');
  await callbacks.emit('ticket.opened', { iban: 'DE00' });
  expect(await telemetry.spans()).toEqual([]);
  expect(await telemetry.events()).toEqual([]);
  expect(redacted).toBe(0);
});
