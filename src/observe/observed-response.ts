import { ObservedBody, type PassedCall } from './observed-body.js';

/** The ways to read a response. */
const READERS = ['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData'] as const;

/** The same response, whose body is passed through: it stays the object that `fetch` gave. */
export function passThrough(
  response: Response,
  body: ReadableStream<Uint8Array>,
  call: PassedCall,
): Response {
  const { status, statusText, headers } = response;
  const passed = new Response(ObservedBody.of(body, call), { status, statusText, headers });
  const descriptors: PropertyDescriptorMap = {
    body: { get: () => passed.body, configurable: true },
    bodyUsed: { get: () => passed.bodyUsed, configurable: true },
    clone: { value: () => cloneOf(passed, response), configurable: true, writable: true },
  };
  for (const name of READERS) {
    const { [name]: read } = passed as unknown as Partial<Record<string, () => unknown>>;
    if (read === undefined) continue;
    const value = () => read.call(passed);
    descriptors[name] = { value, configurable: true, writable: true };
  }
  return Object.defineProperties(response, descriptors);
}

/** A clone of a constructed response, which does not know where it is from. */
function cloneOf(passed: Pick<Response, 'clone'>, original: Response): Response {
  const copy = passed.clone();
  const again = { clone: copy.clone.bind(copy) };
  const { url, redirected, type } = original;
  const known = { url, redirected, type, clone: () => cloneOf(again, original) };
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
