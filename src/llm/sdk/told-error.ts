/** An error that a provider tells inside an answer, in the shape of the SDKs' own; some wrap it, some do not. */
export function toldError(told: unknown): Error {
  const inner = (told as { error?: unknown } | null)?.error ?? told;
  const { code, type, message } = Object(inner) as Record<string, unknown>;
  const text = typeof inner === 'string' ? inner : String(message);
  return Object.assign(new Error(text), { error: told, code, type });
}
