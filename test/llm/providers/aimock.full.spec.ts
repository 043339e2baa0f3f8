import { LLMock } from '@copilotkit/aimock';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LlmService, type Message } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../../support/app.js';
import { ask, METHODS } from '../../support/wire/index.js';

const LOOKUP = {
  name: 'lookup',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const USAGE = { input_tokens: 1_000, output_tokens: 500 };
const QUESTION: Message = { role: 'user', content: 'How is Köln?' };

describe('A third-party mock server, through the Responses API,', () => {
  const server = new LLMock({ port: 0 });
  let llm: LlmService;

  beforeEach(async () => {
    server.addFixtures([
      {
        match: { userMessage: /Köln/, hasToolResult: true },
        response: { content: 'It is sunny in Köln.', usage: USAGE },
      },
      {
        match: { userMessage: /Köln/ },
        response: {
          toolCalls: [{ id: 'call_1', name: 'lookup', arguments: '{"city":"Köln"}' }],
          reasoning: 'Let me look it up.',
          usage: USAGE,
        },
      },
    ]);
    await server.start();
    const baseURL = `${server.url}/v1`;
    const provider = { provider: 'openai', api: 'responses', apiKey: 'mock', baseURL } as const;
    const { module } = await startApp({}, { llm: { ...provider, model: 'gpt-5-mini' } });
    llm = module.get(LlmService);
  });
  afterEach(async () => {
    await closeApps();
    await server.stop();
  });

  it.each(METHODS)('calls a tool, reasons and answers, by %s', async (method) => {
    const asked = await ask(llm, method, [QUESTION], { tools: [LOOKUP] });
    expect(asked).toMatchObject({
      finishReason: 'tool-calls',
      toolCalls: [{ name: 'lookup', args: { city: 'Köln' } }],
      usage: { totalTokens: 1_500, source: 'provider' },
      message: { providerData: { output: [{ type: 'reasoning' }, { type: 'function_call' }] } },
    });
    expect(asked.cost).toBeGreaterThan(0);

    const [call] = asked.toolCalls;
    const answer: Message = { role: 'tool', toolCallId: call!.id, content: 'Sunny' };
    const answered = await ask(llm, method, [QUESTION, asked.message, answer]);
    expect(answered).toMatchObject({ text: 'It is sunny in Köln.', finishReason: 'stop' });
    const { body } = server.getRequests().at(-1)!;
    expect(JSON.stringify(body)).toContain('Sunny');
  });
});
