import { EventEmitter, once } from 'node:events';
import type { INestApplication, WebSocketAdapter } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

/** A client of a gateway. */
export interface SocketClient {
  send(event: string, data?: unknown): void;
  /** Emits what the server sends: the data, by the name of its event. */
  readonly received: EventEmitter;
  /** The data of the next event. */
  next(event: string): Promise<unknown>;
  /** Disconnects without a closing handshake. */
  leave(): void;
}

/** A WebSocket library that Nest has an adapter for. */
export interface Sockets {
  readonly name: string;
  adapter(app: INestApplication): WebSocketAdapter;
  connect(url: string, headers?: Record<string, string>): Promise<SocketClient>;
}

const open: SocketClient[] = [];

/** For `afterEach`, before applications are closed. */
export function leaveSockets(): void {
  for (const client of open.splice(0)) client.leave();
}

function opened(
  received: EventEmitter,
  send: SocketClient['send'],
  leave: () => void,
): SocketClient {
  const made: SocketClient = {
    received,
    send,
    leave,
    next: async (event) => ((await once(received, event)) as unknown[])[0],
  };
  open.push(made);
  return made;
}

export const SOCKETS: readonly Sockets[] = [
  {
    name: 'ws',
    adapter: (app) => new WsAdapter(app),
    async connect(url, headers = {}) {
      const socket = new WebSocket(url.replace('http', 'ws'), { headers });
      const received = new EventEmitter();
      socket.on('message', (text: Buffer) => {
        const { event, data } = JSON.parse(text.toString()) as { event: string; data: unknown };
        received.emit(event, data);
      });
      await once(socket, 'open');
      const send = (event: string, data?: unknown) => socket.send(JSON.stringify({ event, data }));
      return opened(received, send, () => socket.terminate());
    },
  },
  {
    name: 'socket.io',
    adapter: (app) => new IoAdapter(app),
    async connect(url, headers = {}) {
      const socket = io(url, { transports: ['websocket'], extraHeaders: headers, forceNew: true });
      const received = new EventEmitter();
      socket.onAny((event: string, data: unknown) => received.emit(event, data));
      const connected = new EventEmitter();
      socket.once('connect', () => connected.emit('open'));
      await once(connected, 'open');
      const send = (event: string, data?: unknown) => void socket.emit(event, data);
      return opened(received, send, () => void socket.disconnect());
    },
  },
];
