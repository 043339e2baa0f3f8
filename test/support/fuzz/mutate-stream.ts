import type { Random } from '../wire/random.js';
import { mutateJson, writeJson } from './mutate-json.js';

/** An event of a stream before it is written. */
export interface FuzzEvent {
  readonly name?: string | undefined;
  /** Data that is not JSON, as it arrives. */
  readonly text?: string;
  readonly value?: unknown;
}

type Change = (random: Random, events: FuzzEvent[], others: readonly FuzzEvent[]) => string | void;

const NAMES = [undefined, 'ping', 'error', 'message', 'content_block_delta', 'a_new_kind', ''];
const TEXTS = ['[DONE]', '[DONE] ', 'null', '[]', '7', '""', 'oops', '{"a"', '', '{"error":{}}'];

const CHANGES: Readonly<Record<string, Change>> = {
  value: mutateValue,
  more: mutateValue,
  most: mutateValue,
  drop(random, events) {
    events.splice(random.int(0, events.length - 1), random.int(1, 2));
  },
  duplicate(random, events) {
    const at = random.int(0, events.length - 1);
    events.splice(random.int(at, events.length), 0, events[at]!);
  },
  duplicateAll(_random, events) {
    events.push(...events);
  },
  swap(random, events) {
    const a = random.int(0, events.length - 1);
    const b = random.int(0, events.length - 1);
    [events[a], events[b]] = [events[b]!, events[a]!];
  },
  reverse(_random, events) {
    events.reverse();
  },
  rename(random, events) {
    const at = random.int(0, events.length - 1);
    events[at] = { ...events[at]!, name: random.pick(NAMES) };
  },
  unname(_random, events) {
    for (let at = 0; at < events.length; at++) events[at] = { ...events[at]!, name: undefined };
  },
  insert(random, events) {
    const text = random.pick(TEXTS);
    events.splice(random.int(0, events.length), 0, { name: random.pick(NAMES), text });
  },
  foreign(random, events, others) {
    events.splice(random.int(0, events.length), 0, random.pick(others));
  },
  splice(random, events, others) {
    const from = random.int(0, others.length - 1);
    events.splice(random.int(0, events.length), random.int(0, 3), ...others.slice(from, from + 4));
  },
  end(random, events) {
    events.length = random.int(0, events.length);
  },
};
const CHANGE_NAMES = Object.keys(CHANGES);

/** Changes a stream in one way; returns a description. */
export function mutateEvents(
  random: Random,
  events: FuzzEvent[],
  others: readonly FuzzEvent[],
): string {
  if (events.length === 0) return 'nothing';
  const name = random.pick(CHANGE_NAMES);
  return CHANGES[name]!(random, events, others) ?? name;
}

/** The text of a stream. */
export function writeEvents(random: Random, events: readonly FuzzEvent[]): string {
  const lineEnd = random.pick(['\n', '\n', '\n', '\r\n', '\r']);
  return events
    .map(({ name, text, value }) => {
      const data = text ?? writeJson(random, value);
      const lines = [...(name === undefined ? [] : [`event: ${name}`]), `data: ${data}`, '', ''];
      return lines.join(lineEnd);
    })
    .join('');
}

function mutateValue(random: Random, events: FuzzEvent[]): string {
  const at = random.int(0, events.length - 1);
  const { name, value, text } = events[at]!;
  if (text !== undefined) return 'nothing';
  const root = { value: structuredClone(value) };
  const done = mutateJson(random, root);
  events[at] = { name, value: root.value };
  return `event ${at}: ${done}`;
}
