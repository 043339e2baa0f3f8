import { readSse } from './read-sse.js';

/** The desk's response: an answer, notes, an id for a decision, or an error. */
export interface Reply {
  status: number;
  answer?: string;
  approvalId?: string;
  summary?: string;
  subject?: string;
  message?: string;
}

/** Calls the desk's endpoints. */
export class DeskClient {
  constructor(private readonly url: string) {}

  async get<T>(path: string, user?: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { headers: as(user) });
    return (await response.json()) as T;
  }

  post(path: string, user: string | undefined, body: object): Promise<Reply> {
    return this.#send('POST', path, user, body);
  }

  patch(path: string, user: string, body: object): Promise<Reply> {
    return this.#send('PATCH', path, user, body);
  }

  /** A streamed answer, as it arrives. */
  async *read(user: string, question: string): AsyncGenerator<string> {
    const query = new URLSearchParams({ q: question });
    yield* readSse(
      await fetch(`${this.url}/tickets/stream?${query.toString()}`, { headers: as(user) }),
    );
  }

  async #send(
    method: string,
    path: string,
    user: string | undefined,
    body: object,
  ): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...as(user) },
      body: JSON.stringify(body),
    });
    return { ...((await response.json()) as Reply), status: response.status };
  }
}

function as(user: string | undefined): Record<string, string> {
  return user === undefined ? {} : { 'x-user-id': user.toLowerCase() };
}
