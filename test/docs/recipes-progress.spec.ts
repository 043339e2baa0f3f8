import { EventEmitter, on, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  defineTool,
  type AgentErrorEvent,
  type CallbackEvent,
  type CallbacksModuleOptions,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { WebSocket } from 'ws';
import { DeskProgressController } from './examples/recipes/progress-sse.js';
import { DeskGateway } from './examples/recipes/progress-websocket.js';
import { around, closeAll, listen, serve } from './start.js';

const CALL: FakeAnswer = { toolCalls: [{ name: 'look' }] };
const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });
/** Works until its signal fires. */
const endless = defineTool({
  name: 'look',
  description: 'Looks for long.',
  execute: (_args, { signal }) => once(signal, 'abort'),
});

/** The events that the application's callbacks receive. */
let received: EventEmitter;
beforeEach(() => {
  received = new EventEmitter();
});
afterEach(closeAll);

function model(answers: FakeAnswer[], tool = look) {
  const emitting = { onAnyEvent: (event: CallbackEvent) => void received.emit(event.type, event) };
  const options: CallbacksModuleOptions = { agent: { tools: [tool] }, callbacks: [emitting] };
  return around(answers, options);
}

/** Settles with the error of the agent; call it before the agent runs. */
async function failure(): Promise<Error> {
  const [event] = (await once(received, 'agent.error')) as [AgentErrorEvent];
  return event.error;
}

describe('The recipe of progress by WebSocket', () => {
  async function connect(...parts: Parameters<typeof model>) {
    const url = await listen({ imports: [model(...parts)], providers: [DeskGateway] }, (app) =>
      app.useWebSocketAdapter(new WsAdapter(app)),
    );
    const socket = new WebSocket(`${url.replace('http', 'ws')}/desk`);
    await once(socket, 'open');
    return socket;
  }

  /** Sends a question; returns the server's messages up to one that contains the text. */
  async function ask(socket: WebSocket, last: string) {
    const messages: unknown[] = [];
    const receiving = on(socket, 'message');
    socket.send(JSON.stringify({ event: 'ask', data: 'Where is it?' }));
    for await (const [data] of receiving) {
      messages.push(JSON.parse(String(data)));
      if (String(data).includes(last)) break;
    }
    socket.terminate();
    return messages;
  }

  it('sends each turn, and then the answer', async () => {
    const socket = await connect([CALL, 'It is there.']);

    expect(await ask(socket, 'answer')).toEqual([
      { event: 'progress', data: { step: 1, status: 'in_progress' } },
      { event: 'progress', data: { step: 2, status: 'in_progress' } },
      { event: 'progress', data: { step: 2, status: 'complete' } },
      { event: 'answer', data: 'It is there.' },
    ]);
  });

  it('sends that the agent failed', async () => {
    const socket = await connect([new Error('down')]);

    expect(await ask(socket, 'failed')).toEqual([
      { event: 'progress', data: { step: 0, status: 'failed' } },
    ]);
  });

  it('stops the agent when the client disconnects', async () => {
    const socket = await connect([CALL, 'never'], endless);
    const [working, failing] = [once(received, 'tool.start'), failure()];

    socket.send(JSON.stringify({ event: 'ask', data: 'Where is it?' }));
    await working;
    socket.terminate();

    expect(await failing).toMatchObject({ name: 'AbortError' });
  });
});

describe('The recipe of progress by server-sent events', () => {
  const ask = async (parts: Parameters<typeof model>, init?: RequestInit) =>
    fetch(`${await serve(model(...parts), [DeskProgressController])}/desk?question=where`, init);

  async function updatesOf(...parts: Parameters<typeof model>) {
    const body = await (await ask(parts)).text();
    const blocks = [...body.matchAll(/^event: (.*)\n(?:id: .*\n)?data: (.*)$/gm)];
    return blocks.map(([, event, json]) => [event, JSON.parse(json!) as unknown]);
  }

  it('sends each tool and each turn', async () => {
    expect(await updatesOf([CALL, 'It is there.'])).toMatchObject([
      ['tool', { toolName: 'look', phase: 'start' }],
      ['tool', { toolName: 'look', phase: 'end' }],
      ['step', { index: 0, action: 'tool_calls' }],
      ['step', { index: 1, action: 'final', text: 'It is there.' }],
      ['done', { finishReason: 'stop' }],
    ]);
  });

  it('sends that the agent failed', async () => {
    expect(await updatesOf([new Error('down')])).toMatchObject([
      ['failed', { statusCode: 502, code: 'server_error' }],
    ]);
  });

  it('cancels the agent when the browser disconnects', async () => {
    const [working, ending] = [once(received, 'tool.start'), once(received, 'agent.end')];
    const browser = new AbortController();
    const asking = ask([[CALL, 'never'], endless], { signal: browser.signal });
    asking.catch(() => undefined);

    await working;
    browser.abort();

    expect(await ending).toMatchObject([{ result: { finishReason: 'cancelled' } }]);
  });

  it('sends no request when the browser reconnects', async () => {
    const response = await ask([[]], { headers: { 'last-event-id': '3' } });
    expect(response.status).toBe(204);
  });
});
