/** The parts of a `ws` or socket.io client that are used. */
interface WsClient {
  /** Only WebSockets have it; socket.io's clients do not. */
  readonly readyState?: unknown;
  send?(text: string): unknown;
  emit?(event: string, data: object): unknown;
}

/** Sends an error to a client, as Nest's own filter does. */
export function emitException(client: WsClient, data: object): void {
  // A WebSocket is also an event emitter, but emits to its own side.
  if (typeof client.readyState === 'number') {
    client.send?.(JSON.stringify({ event: 'exception', data }));
  } else {
    client.emit?.('exception', data);
  }
}
