/** Results and errors in a form that can be compared, and printed. */

export function shapeOfResult(value: unknown): unknown {
  const { constructor, _request_id: requestId } = Object(value) as Record<string, unknown>;
  return { class: constructor, value, requestId };
}

export function shapeOfResponse(response: Response): unknown {
  const { constructor, status, statusText, ok, url, redirected, type, headers } = response;
  const sent = [...headers.entries()];
  return { constructor, status, statusText, ok, url, redirected, type, headers: sent };
}

export function shapeOfError(thrown: unknown): unknown {
  const { constructor, name, message, cause, ...fields } = Object(thrown) as Error;
  const {
    constructor: causeClass,
    name: causeName,
    message: causeMessage,
  } = Object(cause) as Error;
  const plain = Object.entries(fields).map(([key, value]: [string, unknown]) => [
    key,
    isHeaders(value) ? [...value.entries()] : value,
  ]);
  return {
    class: constructor,
    name,
    message,
    fields: plain,
    cause: cause === undefined ? undefined : [causeClass, causeName, causeMessage],
  };
}

function isHeaders(value: unknown): value is Headers {
  return typeof (Object(value) as { getSetCookie?: unknown }).getSetCookie === 'function';
}
