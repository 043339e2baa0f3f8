import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentService, type LlmOptions } from 'nestjs-llm-callbacks';
import OpenAI from 'openai';
import { closeApps, startApp } from '../../support/app.js';
import { GOOD, PLAIN_CITY, TOKYO } from '../../support/city.js';
import { FakeFetch } from '../../support/wire/fake-fetch.js';
import {
  ask,
  errorOf,
  json,
  METHODS,
  readAll,
  says,
  useBench,
  WIRES,
  type WireFormat,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

type Body = Record<string, unknown>;

const OPTIONS = { schema: PLAIN_CITY };
const SAYS_SO: Record<WireFormat['name'], string> = {
  openai: 'This response_format type is unavailable now',
  anthropic: 'output_config: Extra inputs are not permitted',
  responses: "Invalid parameter: 'text.format' of type 'json_schema' is not supported.",
};
const refuses = (wire: WireFormat, message = SAYS_SO[wire.name], status = 400) =>
  json(wire.error({ type: 'invalid_request_error', message }), status);

/** The part of a body that selects the form of the answer. */
function formOf(body: Body): unknown {
  const { response_format, output_config, text } = body as {
    response_format?: { type: string };
    output_config?: { format: { type: string } };
    text?: { format: { type: string } };
  };
  return (response_format ?? output_config?.format ?? text?.format)?.type;
}

describe.each(WIRES)('A server of $name without a schema option', (wire) => {
  const bench = useBench(wire);
  const jsonForm = wire.name === 'anthropic' ? undefined : 'json_object';

  it.each(METHODS)(
    'gets a second request with instructions in the same run, by %s',
    async (method) => {
      bench.server.answers(refuses(wire), says(wire, method, { text: GOOD }));
      const { object, attempts } = await ask(bench.llm, method, 'Hi', {
        ...OPTIONS,
        system: 'Be kind.',
      });
      expect(object).toEqual(TOKYO);
      const bodies = bench.server.exchanges.map(({ body }) => body);
      expect(bodies.map(formOf)).toEqual(['json_schema', jsonForm]);
      const words = JSON.stringify(bodies[1]);
      expect(words).toContain('Be kind.');
      expect(words).toContain('It must fit this JSON Schema');
      expect(words).toContain('people');
      expect(attempts).toMatchObject([{ error: { name: 'LlmInvalidRequestError' } }, {}]);
      expect(attempts[1]).not.toHaveProperty('error');
      expect(bench.recording.of('llm.retry')).toMatchObject([
        { attempt: 1, delayMs: 0, error: { name: 'LlmInvalidRequestError' } },
      ]);
      expect(bench.recording.tree()).toMatchObject([{ children: [] }]);
    },
  );

  it('is remembered, by model', async () => {
    const answer = json(wire.answer({ text: GOOD }));
    bench.server.answers(refuses(wire), answer, answer, json(wire.answer({ text: GOOD })));
    await bench.llm.generate('Hi', OPTIONS);
    await bench.llm.generate('Hi', OPTIONS);
    await bench.llm.generate('Hi', { ...OPTIONS, model: 'another' });
    expect(bench.server.exchanges.map(({ body }) => formOf(body))).toEqual([
      'json_schema',
      jsonForm,
      jsonForm,
      'json_schema',
    ]);
  });

  it('answers a request without a schema as usual', async () => {
    bench.server.answers(refuses(wire));
    expect(await errorOf(bench.llm.generate('Hi'))).toMatchObject({
      name: 'LlmInvalidRequestError',
    });
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it('gets instructions in requests that were sent concurrently', async () => {
    bench.server.answers(refuses(wire), refuses(wire));
    const answer = says(wire, 'generate', { text: GOOD });
    const both = Promise.all([1, 2].map(() => bench.llm.generate('Hi', OPTIONS)));
    bench.server.answers(answer, answer);
    expect((await both).map(({ object }) => object)).toEqual([TOKYO, TOKYO]);
  });

  it.each(METHODS)('fails the call with its second rejection, by %s', async (method) => {
    bench.server.answers(refuses(wire), refuses(wire));
    expect(await errorOf(ask(bench.llm, method, 'Hi', OPTIONS))).toMatchObject({
      name: 'LlmInvalidRequestError',
    });
    expect(bench.server.exchanges).toHaveLength(2);
    expect(bench.recording.of('llm.error')).toMatchObject([{ attempts: [{}, {}] }]);
  });

  it('gets no second request if the caller set the form', async () => {
    bench.server.answers(refuses(wire));
    const format = { type: 'json_schema', schema: PLAIN_CITY };
    const providerOptions = {
      response_format: format,
      output_config: { format },
      text: { format },
    };
    await errorOf(bench.llm.generate('Hi', { ...OPTIONS, providerOptions }));
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it('answers an agent with a schema', async () => {
    bench.server.answers(refuses(wire), json(wire.answer({ text: GOOD })));
    const stream = bench.app.get(AgentService).stream('Hi', OPTIONS);
    await readAll(stream);
    expect((await stream.result).object).toEqual(TOKYO);
  });
});

describe('The rejection of a chat completion', () => {
  afterEach(closeApps);

  async function requested(status: number, body: object): Promise<Body[]> {
    const fake = new FakeFetch();
    const client = new OpenAI({
      apiKey: 'test',
      baseURL: 'http://127.0.0.1:9/v1',
      fetch: fake.fetch,
      maxRetries: 0,
    });
    const llm: LlmOptions = { provider: 'openai', model: 'house-7', client };
    const app = await startApp({}, { llm });
    fake.json(body, status);
    fake.json(openai.answer({ text: GOOD }));
    await app.llm.generate('Hi', OPTIONS).catch(() => undefined);
    return fake.requests.map((request) => request.body);
  }
  const message = (text: string) => ({ error: { message: text, type: 'invalid_request_error' } });

  it.each([
    'This model does not support response format `json_schema`. See the supported models.',
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    'response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later',
    'response_format type must be one of "text" or "json_object", but got: json_schema',
    'response_format.type: unknown variant `json_schema`, expected `text` or `json_object`',
    'Structured outputs are not available for this model',
    'json_schema is unsupported',
  ])('that names the option is followed by json_object: %s', async (text) => {
    const bodies = await requested(400, message(text));
    expect(bodies.map(formOf)).toEqual(['json_schema', 'json_object']);
  });

  it('can be a list of errors with status 422', async () => {
    const fault = {
      type: 'literal_error',
      loc: ['body', 'response_format', 'type'],
      msg: "Input should be 'text' or 'json_object'",
      input: { properties: {} },
    };
    const bodies = await requested(422, { error: { message: [fault] } });
    expect(bodies.map(formOf)).toEqual(['json_schema', 'json_object']);
  });

  it.each([
    'Unrecognized request argument supplied: response_format',
    'response_format: Extra inputs are not permitted',
    'response_format is not supported by this model',
  ])('of the whole option is followed by instructions only: %s', async (text) => {
    const bodies = await requested(400, message(text));
    expect(bodies.map(formOf)).toEqual(['json_schema', undefined]);
    expect(JSON.stringify(bodies[1])).toContain('It must fit this JSON Schema');
  });

  it.each([
    [
      400,
      "Invalid schema for response_format 'answer': In context=(), 'pattern' is not permitted.",
    ],
    [
      400,
      "Invalid schema for response_format 'answer': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ],
    [400, "output_config.format.schema: For 'integer' type, 'minimum' is not supported"],
    [400, 'The model does not support temperature.'],
    [401, 'response_format type json_schema is not supported'],
    [429, 'response_format type json_schema is not supported'],
  ])('for another reason is the error of the call: %i %s', async (status, text) => {
    expect(await requested(status, message(text))).toHaveLength(1);
  });
});
