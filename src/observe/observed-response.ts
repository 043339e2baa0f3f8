import { Readable } from 'node:stream';
import { ObservedBody, type PassedCall } from './observed-body.js';

/** The ways to read a response. */
const READERS = ['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData'] as const;
type Reader = (typeof READERS)[number];
type Readers = Partial<Record<Reader, () => Promise<unknown>>>;

/** Of an answer that its client reads whole, without a stream between them. */
const OF_WHOLE: { readonly [K in Reader]?: (bytes: Uint8Array) => unknown } = {
  json: (bytes) => JSON.parse(decoded(bytes)) as unknown,
  text: decoded,
};

/** The same response, whose body is passed through: it stays the object that `fetch` gave. */
export function passThrough(
  response: Response,
  body: ReadableStream<Uint8Array>,
  call: PassedCall,
): Response {
  const passed = new PassedResponse(response, new ObservedBody(body, call), call.streaming);
  const descriptors: PropertyDescriptorMap = {
    body: { get: () => passed.body, configurable: true },
    bodyUsed: { get: () => passed.isUsed, configurable: true },
    clone: { value: () => passed.clone(), configurable: true, writable: true },
  };
  for (const name of READERS) {
    if (typeof (response as unknown as Readers)[name] !== 'function') continue;
    const value = () => passed.read(name);
    descriptors[name] = { value, configurable: true, writable: true };
  }
  return Object.defineProperties(response, descriptors);
}

/** What a client reads of an answer. Streams are made when they are asked for, because they cost as much as a call. */
class PassedResponse {
  /** The methods of the response, which are about to be replaced. */
  readonly #readers: Readers;
  readonly #clone: () => Response;
  /** The answer as a response of its own: of clones, and of readers for which there is no shorter way. */
  #again: Response | undefined;
  #isReadWhole = false;

  constructor(
    private readonly response: Response,
    private readonly observed: ObservedBody,
    private readonly isStreamed: boolean,
  ) {
    const methods = response as unknown as Readers;
    this.#readers = Object.fromEntries(
      READERS.map((name) => [name, methods[name]?.bind(response)]),
    );
    this.#clone = response.clone.bind(response);
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#again === undefined ? this.observed.stream : this.#again.body;
  }

  get isUsed(): boolean {
    if (this.#again !== undefined) return this.#again.bodyUsed;
    return this.#isReadWhole || (this.observed.isStreamed && isDisturbed(this.observed.stream));
  }

  async read(name: Reader): Promise<unknown> {
    const { arrayBuffer } = this.#readers;
    const ofWhole = OF_WHOLE[name];
    const isShort = !this.isStreamed && !this.observed.isStreamed && !this.#isReadWhole;
    if (isShort && ofWhole !== undefined && arrayBuffer !== undefined) {
      this.#isReadWhole = true;
      return ofWhole(await this.observed.whole(arrayBuffer as () => Promise<ArrayBuffer>));
    }
    // The response has the right error for a body that cannot be read any more.
    if (this.#isUnusable) return this.#readers[name]!();
    return (this.#asAgain() as unknown as Readers)[name]!();
  }

  /** A clone of a constructed response, which does not know where it is from. */
  clone(): Response {
    return this.#isUnusable ? this.#clone() : cloneOf(this.#asAgain(), this.response);
  }

  get #isUnusable(): boolean {
    if (this.#again !== undefined) return false;
    return this.#isReadWhole || this.isUsed || (this.observed.isStreamed && this.body!.locked);
  }

  #asAgain(): Response {
    const { status, statusText, headers } = this.response;
    return (this.#again ??= new Response(this.observed.stream, { status, statusText, headers }));
  }
}

function cloneOf(again: Pick<Response, 'clone'>, original: Response): Response {
  const copy = again.clone();
  const ofCopy = { clone: copy.clone.bind(copy) };
  const [url, redirected, type] = (['url', 'redirected', 'type'] as const).map((name) =>
    cloned(original, name),
  );
  const known = { url, redirected, type, clone: () => cloneOf(ofCopy, original) };
  return Object.defineProperties(
    copy,
    Object.fromEntries(
      Object.entries(known).map(([name, value]) => [
        name,
        { value, configurable: true, writable: true },
      ]),
    ),
  );
}

/** What a clone has of a field: not what an SDK has defined on the response itself. */
function cloned(response: Response, name: 'url' | 'redirected' | 'type'): unknown {
  const value: unknown = Reflect.get(Object.getPrototypeOf(response) as object, name, response);
  return value ?? response[name];
}

/** Node's function takes web streams, too, which its types do not say. */
function isDisturbed(stream: ReadableStream<Uint8Array>): boolean {
  return Readable.isDisturbed(stream as unknown as Readable);
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
