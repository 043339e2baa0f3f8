import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** What a client of server-sent events received for one request. */
export interface Connection {
  readonly status: number;
  readonly type: string | undefined;
  readonly events: EventSourceMessage[];
  /** The whole body. */
  readonly text: string;
}

/**
 * A client that behaves like a browser's `EventSource`, without its pauses: it reconnects whenever a response ends,
 * with the id of the last event, until a response has a status other than 200.
 */
export class TestEventSource {
  readonly connections: Connection[] = [];
  lastEventId = '';
  #response: IncomingMessage | undefined;

  constructor(
    private readonly url: string,
    /** Called when data has arrived, with all data so far. */
    private readonly onData: (source: TestEventSource, text: string) => void = () => undefined,
  ) {}

  /** Connects until it must stop; at most `limit` times. */
  async run(limit = 5): Promise<Connection[]> {
    while (this.connections.length < limit) {
      const connection = await this.connect();
      if (connection.status !== 200) break;
    }
    return this.connections;
  }

  /** The connection is lost. */
  cut(): void {
    this.#response?.destroy();
  }

  async connect(): Promise<Connection> {
    const headers = { accept: 'text/event-stream', ...this.#idHeader() };
    const asking = request(this.url, { headers, agent: false });
    asking.end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    this.#response = response;
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => void events.push(event) });
    const { statusCode: status = 0, headers: received } = response;
    let text = '';
    try {
      for await (const bytes of response) {
        text += String(bytes);
        parser.feed(String(bytes));
        // The parser ignores ids of blocks without data; a browser accepts them.
        this.lastEventId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? this.lastEventId;
        this.onData(this, text);
      }
    } catch {
      // Cut.
    }
    const connection = { status, type: received['content-type'], events, text };
    this.connections.push(connection);
    return connection;
  }

  #idHeader() {
    return this.lastEventId === '' ? {} : { 'last-event-id': this.lastEventId };
  }
}

/** Names and data of events. */
export function read({ events }: Pick<Connection, 'events'>): [name: string, data: unknown][] {
  return events.map(({ event = 'message', data }) => [event, JSON.parse(data) as unknown]);
}
