/** The names of a value's class and its base classes. */
export function classNames(value: unknown): string[] {
  const names: string[] = [];
  for (
    let proto = Object(value) as object | null;
    proto;
    proto = Object.getPrototypeOf(proto) as object | null
  ) {
    if (Object.hasOwn(proto, 'constructor'))
      names.push((proto.constructor as { name: string }).name);
  }
  return names;
}

/**
 * Whether Node or undici reports that a socket failed: `ECONNRESET`, `UND_ERR_SOCKET`, a body that was `terminated` …
 */
export function isLostConnection(thrown: unknown): boolean {
  const { code, cause, message } = Object(thrown) as {
    code?: unknown;
    cause?: { code?: unknown };
    message?: unknown;
  };
  if (thrown instanceof TypeError && (message === 'terminated' || message === 'fetch failed'))
    return true;
  return [code, cause?.code].some(
    (one) => typeof one === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(one),
  );
}
