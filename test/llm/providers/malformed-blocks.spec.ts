import { afterEach, describe, expect, it } from '@jest/globals';
import type { Message } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../../support/app.js';
import { nested } from '../../support/deep.js';
import { CapturedWire, HOSTS, type Api } from '../../support/histories/captured-wire.js';

const DEEP = nested(5_000);

afterEach(closeApps);

/** Sends an assistant's message back; returns the request, which must be valid. */
async function sendBack(api: Api, message: Omit<Message, 'role'>): Promise<unknown> {
  const wire = new CapturedWire(HOSTS.find((host) => host.api === api)!);
  const { llm } = await startApp({}, { llm: wire.llm });
  await llm.generate([
    { role: 'user', content: 'Hi' },
    { role: 'assistant', ...message },
    ...(message.toolCalls ?? []).map(({ id }): Message => ({
      role: 'tool',
      toolCallId: id,
      content: 'done',
    })),
    { role: 'user', content: 'Go on.' },
  ]);
  expect(wire.violations).toEqual([]);
  const { messages, input } = wire.body as { messages?: unknown; input?: unknown };
  return messages ?? input;
}

describe('Malformed content that a server sent', () => {
  const SEARCH = { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} };
  const FOUND = { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] };
  const TEXT = { type: 'text', text: 'So.', citations: [] };

  it.each([
    ['thoughts without a signature', { type: 'thinking', thinking: 'I look.', signature: '' }],
    ['hidden thoughts without data', { type: 'redacted_thinking', data: null }],
    ['a compaction that is no text', { type: 'compaction', content: [] }],
    ['a server tool without a name', { ...SEARCH, id: 'srvtoolu_2', name: null }],
    ['a server tool whose input is a text', { ...SEARCH, id: 'srvtoolu_2', input: '{}' }],
    ['a server tool with an id that is taken', SEARCH],
    ['a result without its call', { ...FOUND, tool_use_id: 7 }],
    ['a block whose kind has no name', { type: '', text: 'a' }],
    ['a block that is too deep', { type: 'a_new_kind', value: DEEP }],
  ])('is not sent back to Anthropic: %s', async (_what, block) => {
    const content = [SEARCH, FOUND, block, TEXT];
    const providerData = { provider: 'anthropic', content };
    const messages = await sendBack('anthropic', { content: 'So.', providerData });
    expect(messages).toMatchObject([{}, { content: [SEARCH, FOUND, TEXT] }, {}]);
  });

  it('is omitted with the result of its server tool', async () => {
    const content = [{ ...SEARCH, input: null }, FOUND, TEXT];
    const providerData = { provider: 'anthropic', content };
    const messages = await sendBack('anthropic', { content: 'So.', providerData });
    expect(messages).toMatchObject([{}, { content: [TEXT] }, {}]);
  });

  const THOUGHT = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' };
  const ITEM = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'So.', annotations: [] }],
  };

  it.each([
    ['an item without a type', { id: 'a_1' }],
    ['thoughts without an id', { ...THOUGHT, id: null }],
    ['thoughts without a summary', { ...THOUGHT, summary: 'I look.' }],
    ['a message without a part', { ...ITEM, content: [] }],
    ['an item that is too deep', { type: 'a_new_kind', value: DEEP }],
  ])('is not sent back to the Responses API: %s', async (_what, item) => {
    const providerData = { provider: 'openai', api: 'responses', output: [THOUGHT, item, ITEM] };
    const input = await sendBack('responses', { content: 'So.', providerData });
    expect(input).toEqual([{ role: 'user', content: 'Hi' }, THOUGHT, ITEM, expect.anything()]);
  });

  it.each([
    ['a role of another side', { ...ITEM, role: 'user' }],
    ['a content that is a text', { ...ITEM, content: 'So.' }],
    ['a part of an unknown kind', { ...ITEM, content: [{ type: 'words', text: 'So.' }] }],
  ])('is sent back to the Responses API as its text: a message with %s', async (_what, item) => {
    const providerData = { provider: 'openai', api: 'responses', output: [THOUGHT, item] };
    const input = await sendBack('responses', { content: 'So.', providerData });
    const said = { role: 'assistant', content: 'So.' };
    expect(input).toEqual([{ role: 'user', content: 'Hi' }, THOUGHT, said, expect.anything()]);
  });

  it('is not sent back to the Responses API: reasoning without a following item', async () => {
    const providerData = { provider: 'openai', api: 'responses', output: [ITEM, THOUGHT] };
    const input = await sendBack('responses', { content: 'So.', providerData });
    expect(input).toEqual([{ role: 'user', content: 'Hi' }, ITEM, expect.anything()]);
  });

  it('is sent back to the Responses API without the id of a rejected item', async () => {
    const call = { type: 'function_call', id: 7, call_id: 'call_1', name: 'now', arguments: '{}' };
    const providerData = { provider: 'openai', api: 'responses', output: [THOUGHT, call] };
    const toolCalls = [{ id: 'call_1', name: 'now', args: {}, argsText: '{}' }];
    const input = await sendBack('responses', { content: '', toolCalls, providerData });
    const { id: _id, ...rest } = call;
    expect((input as unknown[])[2]).toEqual(rest);
  });

  it('is not sent back to chat completions: a field that is too deep', async () => {
    const fields = { reasoning_content: 'I look.', extra_content: { value: DEEP } };
    const providerData = { provider: 'openai', api: 'chat', fields };
    const messages = await sendBack('chat', { content: 'So.', providerData });
    const said = { role: 'assistant', content: 'So.', reasoning_content: 'I look.' };
    expect((messages as unknown[])[1]).toEqual(said);
  });

  it.each(['chat', 'responses', 'anthropic'] as const)(
    'is sent back to %s as an empty object: arguments that are too deep',
    async (api) => {
      const argsText = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
      const toolCalls = [
        { id: 'call_1', name: 'now', args: JSON.parse(argsText) as unknown, argsText },
      ];
      const sent = JSON.stringify(await sendBack(api, { content: '', toolCalls }));
      expect(sent).not.toContain('[[[[');
      expect(sent).toContain(api === 'anthropic' ? '"input":{}' : '"arguments":"{}"');
    },
  );
});
