import { once } from 'node:events';
import { afterEach, expect, it } from '@jest/globals';
import { WsAdapter } from '@nestjs/platform-ws';
import { CallbacksService, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { WebSocket } from 'ws';
import { StoryGateway, withSocketUsers } from './examples/gateway.js';
import { closeAll, listen } from './start.js';

afterEach(closeAll);

it('The gateway of the README sets the user of its messages’ runs', async () => {
  let ended!: (event: LlmEndEvent) => void;
  const ending = new Promise<LlmEndEvent>((resolve) => (ended = resolve));
  class SignedIn extends StoryGateway {
    handleConnection(client: object) {
      Object.assign(client, { user: { id: 'ada' } });
    }
  }
  const url = await listen({ imports: [withSocketUsers], providers: [SignedIn] }, (app) => {
    app.useWebSocketAdapter(new WsAdapter(app));
    app.get(CallbacksService).on('llm.end', ended);
  });
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');

  socket.send(JSON.stringify({ event: 'write', data: 'a parcel' }));
  const [message] = (await once(socket, 'message')) as [Buffer];

  expect(JSON.parse(message.toString())).toMatchObject({ event: 'chunk', data: { type: 'text' } });
  expect(await ending).toMatchObject({ userId: 'ada' });
  socket.terminate();
});
