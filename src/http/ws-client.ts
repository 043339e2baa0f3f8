/** What is used of a client of `ws` or socket.io. */
interface WsClient {
  /** Of WebSockets alone; socket.io's clients have none. */
  readonly readyState?: unknown;
  send?(text: string): unknown;
  emit?(event: string, data: object): unknown;
}

/** Tells a client of an error, as Nest's own filter does. */
export function emitException(client: WsClient, data: object): void {
  // A WebSocket is an event emitter, too, but one that emits to its own side.
  if (typeof client.readyState === 'number') {
    client.send?.(JSON.stringify({ event: 'exception', data }));
  } else {
    client.emit?.('exception', data);
  }
}
