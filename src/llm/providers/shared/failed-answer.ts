/** The longest kept text of a failed answer, in UTF-16 code units. */
const MAX_TEXT = 65_536;

/** The text of a failed answer, stored on its headers: the SDKs' errors have the same headers object. */
const TEXT: unique symbol = Symbol('nestjs-llm-callbacks.failed-answer');

/**
 * Keeps the text of a failed answer while an SDK reads it: openai's SDK keeps only the field `error` of a body, and so
 * loses lists, `detail` and `message`. Only what the SDK reads is read, so nothing of an answer that it drops to retry.
 * Answers of other kinds, such as mocks of `fetch` return, stay unchanged.
 */
export function keepFailedText(response: Response): Response {
  const { ok, headers, text } = Object(response) as Partial<Response>;
  if (ok !== false || typeof text !== 'function' || typeof headers !== 'object') return response;
  if (!Object.isExtensible(response) || !Object.isExtensible(headers)) return response;
  const kept = async (): Promise<string> => {
    const read = await text.call(response);
    Object.defineProperty(headers, TEXT, { value: read.slice(0, MAX_TEXT), configurable: true });
    return read;
  };
  Object.defineProperty(response, 'text', { value: kept, configurable: true, writable: true });
  return response;
}

/** The text kept of the failed answer with these headers. */
export function failedText(headers: unknown): string | undefined {
  return (Object(headers) as { [TEXT]?: string })[TEXT];
}
