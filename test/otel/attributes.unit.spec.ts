import { describe, expect, it } from '@jest/globals';
import {
  LlmEndEvent,
  LlmRateLimitError,
  LlmStartEvent,
  type LlmRequest,
  type LlmResponse,
} from 'nestjs-llm-callbacks';
import { callerAttributes, providerName, spanStart } from '../../src/otel/attributes.js';
import { endAttributes, errorType, finishReason } from '../../src/otel/end-attributes.js';
import { RunTelemetry } from '../../src/otel/run-telemetry.js';
import { NO_USAGE } from '../../src/types/usage.js';
import { SAMPLE_RUN } from '../support/sample-events.js';

const estimate = () => ({ inputTokens: 0, maxCost: null });

function startOf(request: Partial<LlmRequest>, provider = 'openai', streaming = false) {
  return new LlmStartEvent(
    { ...SAMPLE_RUN, provider },
    { request: { model: 'm', messages: [], ...request }, streaming, estimate },
  );
}

function attributesOf(...given: Parameters<typeof startOf>) {
  const event = startOf(...given);
  const { attributes } = spanStart(event, new RunTelemetry(event, undefined), 'latest')!;
  return { ...attributes, ...callerAttributes(event) };
}

describe('The parameters of a request', () => {
  it.each<[object, object]>([
    [{ temperature: 0.2 }, { temperature: 0.2 }],
    [{ temperature: 0.2, providerOptions: { temperature: 0.9 } }, { temperature: 0.9 }],
    [{ maxOutputTokens: 5 }, { max_tokens: 5 }],
    [{ maxOutputTokens: 5, providerOptions: { max_completion_tokens: 6 } }, { max_tokens: 6 }],
    [{ stop: ['a', 'b'] }, { stop_sequences: ['a', 'b'] }],
    [{ providerOptions: { stop: 'a' } }, { stop_sequences: ['a'] }],
    [{ providerOptions: { stop_sequences: ['a'] } }, { stop_sequences: ['a'] }],
    [{ providerOptions: { top_p: 0.1, top_k: 3, seed: 4 } }, { top_p: 0.1, top_k: 3, seed: 4 }],
    [{ providerOptions: { n: 2 } }, { 'choice.count': 2 }],
    [{ providerOptions: { frequency_penalty: 1 } }, { frequency_penalty: 1 }],
    [{ providerOptions: { presence_penalty: -1 } }, { presence_penalty: -1 }],
    [{ providerOptions: { previous_response_id: 'resp_1' } }, { 'previous_response.id': 'resp_1' }],
    [{ providerOptions: { reasoning_effort: 'low' } }, { 'reasoning.level': 'low' }],
    [{ providerOptions: { reasoning: { effort: 'high' } } }, { 'reasoning.level': 'high' }],
    [{ providerOptions: { output_config: { effort: 'max' } } }, { 'reasoning.level': 'max' }],
    // One choice is the default, and values of another type are not what the convention says.
    [{ providerOptions: { n: 1, top_p: '1', seed: NaN, top_k: {}, stop: [1] } }, {}],
    [{ providerOptions: { stop: [] } }, {}],
  ])('%j', (request, expected) => {
    const names = Object.entries(attributesOf(request))
      .filter(([name]) => name.startsWith('gen_ai.request.') && name !== 'gen_ai.request.model')
      .map(([name, value]) => [name.slice('gen_ai.request.'.length), value]);
    expect(Object.fromEntries(names)).toEqual(expected);
  });

  it.each<[object, string | undefined]>([
    [{ schema: { type: 'object' } }, 'json'],
    [{ providerOptions: { response_format: { type: 'json_object' } } }, 'json'],
    [{ providerOptions: { text: { format: { type: 'json_schema' } } } }, 'json'],
    [{ providerOptions: { output_config: { format: { type: 'json_schema' } } } }, 'json'],
    [{ providerOptions: { response_format: { type: 'text' } } }, 'text'],
    [{ providerOptions: { response_format: { type: 'other' } } }, undefined],
    [{}, undefined],
  ])('%j has the output type %s', (request, type) => {
    expect(attributesOf(request)['gen_ai.output.type']).toBe(type);
  });

  it('have a service tier only for OpenAI', () => {
    const request = { providerOptions: { service_tier: 'flex' } };
    const name = 'openai.request.service_tier';
    expect(attributesOf(request)[name]).toBe('flex');
    expect(attributesOf(request, 'groq')).not.toHaveProperty(name);
  });

  it('say that a call streams, and not that it does not', () => {
    expect(attributesOf({}, 'openai', true)['gen_ai.request.stream']).toBe(true);
    expect(attributesOf({})).not.toHaveProperty('gen_ai.request.stream');
  });
});

it.each([
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['azure', 'azure.ai.openai'],
  ['bedrock', 'aws.bedrock'],
  ['vertex', 'gcp.vertex_ai'],
  ['google', 'gcp.gemini'],
  ['mistral', 'mistral_ai'],
  ['moonshotai', 'moonshot_ai'],
  ['x-ai', 'x_ai'],
  ['xai', 'x_ai'],
  ['ollama', 'ollama'],
  ['constructor', 'constructor'],
  [undefined, '_OTHER'],
])('The provider %s is called %s', (label, name) => {
  expect(providerName(label)).toBe(name);
});

it.each<[unknown, string]>([
  [new LlmRateLimitError('Slow down.'), 'rate_limit'],
  [new TypeError('x is not a function'), 'TypeError'],
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [Object.assign(new Error('a'), { code: 'a secret text' }), 'Error'],
  [Object.assign(new Error('a'), { name: 'of user 17 …' }), '_OTHER'],
  ['a text', 'Error'],
])('The error %j has the type %s', (error, type) => {
  expect(errorType(error)).toBe(type);
});

it.each([
  ['stop', 'stop'],
  ['tool-calls', 'tool_call'],
  ['content-filter', 'content_filter'],
  ['cancelled', 'error'],
  ['paused', 'paused'],
] as const)('An answer that ended as %s has the finish reason %s', (reason, name) => {
  expect(finishReason(reason)).toBe(name);
});

it('The details of OpenAI’s answers are attributes of its own calls alone', () => {
  const end = (provider: string) => {
    const response: LlmResponse = {
      id: '',
      provider,
      model: 'm',
      text: '',
      message: { role: 'assistant', content: '' },
      toolCalls: [],
      finishReason: 'stop',
      usage: { ...NO_USAGE, inputTokens: 9, outputTokens: 8, reasoningTokens: 7 },
      cost: null,
      durationMs: 1,
      attempts: [],
      raw: { object: 'response', service_tier: 'default', system_fingerprint: 'fp_1' },
    };
    const run = new RunTelemetry(startOf({}, provider), undefined);
    return endAttributes(new LlmEndEvent({ ...SAMPLE_RUN, provider }, response), run, 'both');
  };
  const common = {
    'gen_ai.response.model': 'm',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': 9,
    'gen_ai.usage.output_tokens': 8,
    'gen_ai.usage.reasoning.output_tokens': 7,
  };
  expect(end('openai')).toEqual({
    ...common,
    'openai.api.type': 'responses',
    'openai.response.service_tier': 'default',
    'openai.response.system_fingerprint': 'fp_1',
  });
  expect(end('azure')).toEqual(common);
});
