import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeLlm, fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

describe('FakeLlm', () => {
  it('returns its answers in order and stores the requests', async () => {
    const { llm, fake } = await startApp(
      {},
      { answers: ['one', { text: 'two', finishReason: 'length' }] },
    );
    expect((await llm.generate('a', { temperature: 1 })).text).toBe('one');
    expect(await llm.generate('b')).toMatchObject({ text: 'two', finishReason: 'length' });
    expect(fake.requests).toMatchObject([
      { model: 'fake', messages: [{ role: 'user', content: 'a' }], temperature: 1 },
      { messages: [{ role: 'user', content: 'b' }] },
    ]);
    await expect(llm.generate('c')).rejects.toThrow('FakeLlm got request 3 but has 2 answers');
  });

  it('calls tools, streamed and whole', async () => {
    const call = { toolCalls: [{ name: 'refund', args: { order: 7 } }] };
    const { llm } = await startApp({}, { answers: [call, call] });
    const whole = await llm.generate('hi');
    expect(whole).toMatchObject({
      finishReason: 'tool-calls',
      toolCalls: [{ name: 'refund', args: { order: 7 }, argsText: '{"order":7}' }],
    });
    const chunks = [];
    const stream = llm.stream('hi');
    for await (const chunk of stream) chunks.push(chunk);
    expect(
      chunks.map((chunk) => (chunk.type === 'tool-call' ? chunk.argsDelta : chunk.text)).join(''),
    ).toBe('{"order":7}');
    expect((await stream.response).toolCalls).toEqual([{ ...whole.toolCalls[0], id: 'call_2_0' }]);
  });

  it('streams text chunks that join to the whole text', async () => {
    const text = '  Hello,\n\n  wide   world. ';
    const { llm } = await startApp({}, { answers: [text] });
    let read = '';
    for await (const piece of llm.stream('hi').textStream) read += piece;
    expect(read).toBe(text);
  });

  it('without arguments answers endlessly with an empty text', () => {
    expect(new FakeLlm().requests).toEqual([]);
  });
});

describe('fakeLlmResponse', () => {
  it('completes the given fields', () => {
    expect(fakeLlmResponse({ text: 'hi', cost: 1 })).toMatchObject({
      text: 'hi',
      cost: 1,
      message: { role: 'assistant', content: 'hi' },
      finishReason: 'stop',
      usage: { totalTokens: 0 },
    });
  });
});
