/** A step of a path: the field of an object, the entry of a list by number, or the first matching entry. */
type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly key: string; readonly value: string };

/**
 * The value at a path: `messages[role=assistant].tool_calls[0].id`, `messages[-1]`. A filter takes the first matching
 * entry; `undefined` if there is none.
 */
export function readPath(value: unknown, path: string): unknown {
  let found = value;
  for (const step of parse(path)) found = take(found, step);
  return found;
}

function parse(path: string): Step[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, field, selector = '']) => {
    if (field !== undefined) return { field };
    const [key = '', value] = selector.split('=');
    return value === undefined ? { index: Number(key) } : { key, value };
  });
}

function take(from: unknown, step: Step): unknown {
  if ('field' in step) return (Object(from) as Record<string, unknown>)[step.field];
  if (!Array.isArray(from)) return undefined;
  if ('index' in step) return from.at(step.index);
  return from.find(
    (entry) => String((Object(entry) as Record<string, unknown>)[step.key]) === step.value,
  );
}
