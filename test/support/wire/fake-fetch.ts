/** A request as a server would read it. */
export interface FetchedRequest {
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A `fetch` without a network: it stores the requests, and answers from the queue of a test. */
export class FakeFetch {
  readonly requests: FetchedRequest[] = [];
  readonly #answers: (() => Response)[] = [];

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = JSON.parse(await request.text()) as Record<string, unknown>;
    this.requests.push({ url: new URL(request.url), headers: request.headers, body });
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error('The test has no more answers.');
    return answer();
  };

  /** The body of the last request. */
  get lastBody(): Record<string, unknown> {
    return this.requests.at(-1)!.body;
  }

  /** Answers a request with JSON. */
  json(body: object, status = 200): void {
    const headers = { 'content-type': 'application/json' };
    this.#answers.push(() => new Response(JSON.stringify(body), { status, headers }));
  }

  /** Answers a request with an event stream. */
  events(frames: readonly string[]): void {
    const headers = { 'content-type': 'text/event-stream' };
    this.#answers.push(() => new Response(frames.join(''), { headers }));
  }
}
