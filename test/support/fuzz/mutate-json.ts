import type { Random } from '../wire/random.js';

/** A place in a JSON value: the list or object that contains it, and its key there. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly path: string;
}

/** A placeholder for a value that `JSON.stringify` cannot write; {@link writeJson} replaces it. */
const DEEP = '\u0001deep\u0001';
const INFINITE = '\u0001infinite\u0001';

const DEPTHS = [500, 10_000];
const HUGE = 'huge '.repeat(500);

/** Creates values of another type, or of another size. */
const OTHER_VALUES: readonly ((value: unknown) => unknown)[] = [
  () => '',
  () => ' ',
  () => 'word',
  () => '12',
  () => '{"a":1}',
  () => '[DONE]',
  () => HUGE,
  () => 0,
  () => 1,
  () => -1,
  () => 7.5,
  () => 1e21,
  () => Number.MAX_SAFE_INTEGER,
  () => INFINITE,
  () => true,
  () => false,
  () => [],
  () => [null],
  () => ['word', 3],
  () => ({}),
  () => ({ type: 'text', text: 'word' }),
  () => ({ type: 'a_new_kind', toString: 1, length: 3, __proto__: null }),
  () => DEEP,
  (value) => JSON.stringify(value) ?? '',
];

/** Words of the wire formats that name a type or a role. */
const WORDS = [
  'text',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'server_tool_use',
  'web_search_tool_result',
  'compaction',
  'message',
  'reasoning',
  'function_call',
  'custom_tool_call',
  'web_search_call',
  'output_text',
  'refusal',
  'function',
  'custom',
  'text_delta',
  'thinking_delta',
  'signature_delta',
  'input_json_delta',
  'citations_delta',
  'compaction_delta',
  'error',
  'length',
  'tool_calls',
  'stop',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_start',
  'message_delta',
  'message_stop',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.output_item.added',
  'response.output_item.done',
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'completed',
  'incomplete',
  'in_progress',
  'failed',
];

type Change = (random: Random, place: Place, all: readonly Place[]) => void;

const CHANGES: Readonly<Record<string, Change>> = {
  remove: (_random, { holder, key }) => remove(holder, key),
  null: (_random, { holder, key }) => void (holder[key] = null),
  retype(random, { holder, key }) {
    holder[key] = random.pick(OTHER_VALUES)(holder[key]);
  },
  word(random, { holder, key }) {
    holder[key] = random.pick(WORDS);
  },
  repeat(random, { holder, key }) {
    const value = holder[key];
    if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(value));
    else if (typeof value === 'string') holder[key] = value + value;
    else if (Array.isArray(value)) value.push(...(structuredClone(value) as unknown[]));
    else holder[`${key}_${random.int(1, 2)}`] = structuredClone(value);
  },
  reorder(random, { holder }) {
    if (Array.isArray(holder)) {
      holder.reverse();
      return;
    }
    const entries = Object.entries(holder);
    for (const [key] of entries) delete holder[key];
    const first = random.int(0, entries.length - 1);
    for (const [key, value] of [...entries.slice(first), ...entries.slice(0, first)])
      holder[key] = value;
  },
  nest(random, { holder, key }) {
    const value = holder[key];
    holder[key] = random.pick<unknown>([[value], [value, value], { [key]: value }, { value }]);
  },
  unnest(random, { holder, key }) {
    const inner = Object.values(Object(holder[key]) as object) as unknown[];
    holder[key] = inner.length > 0 ? random.pick(inner) : null;
  },
  swap(random, { holder, key }, all) {
    const other = random.pick(all);
    const value = structuredClone(holder[key]);
    holder[key] = structuredClone(other.holder[other.key]);
    // One place may be within the other, so a copy is inserted.
    other.holder[other.key] = value;
  },
  copy(random, { holder, key }, all) {
    const other = random.pick(all);
    holder[key] = structuredClone(other.holder[other.key]);
  },
};
const CHANGE_NAMES = Object.keys(CHANGES);

/**
 * Changes a JSON value in one place; returns a description. An object holds the value, so that all of it may change.
 */
export function mutateJson(random: Random, root: { value: unknown }): string {
  const all = placesIn(root);
  if (all.length === 0) return 'nothing';
  const place = random.pick(all);
  const name = random.pick(CHANGE_NAMES);
  CHANGES[name]!(random, place, all);
  return `${name} ${place.path}`;
}

/** A mutated value as JSON. */
export function writeJson(random: Random, value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  if (!json.includes('\\u0001')) return json;
  return json
    .replaceAll(JSON.stringify(INFINITE), '1e999')
    .replaceAll(JSON.stringify(DEEP), () => deep(random));
}

function deep(random: Random): string {
  const depth = random.pick(DEPTHS);
  return random.chance(0.5)
    ? '['.repeat(depth) + ']'.repeat(depth)
    : '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
}

function remove(holder: Record<string, unknown>, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function placesIn(root: { value: unknown }): Place[] {
  const places: Place[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const holder = value as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      const at = path === '' ? key : `${path}.${key}`;
      places.push({ holder, key, path: at });
      visit(holder[key], at);
    }
  };
  visit(root, '');
  return places;
}
