import { ByteTemplate } from './byte-template.js';
import { Packet } from './packet.js';

/** The path of a value in an event: its keys, from the outside in. */
type Path = readonly string[];

/** What differs between a delta and the previous one, while all other bytes are the same. */
export interface Varying {
  /** The strings of deltas. */
  readonly deltas: readonly Path[];
  /** What no decoder reads: counters and padding strings. */
  readonly besides?: readonly Path[];
}

/** A value that varies, after bytes that do not. */
interface Part {
  readonly before: ByteTemplate;
  readonly isText: boolean;
  /** The object that receives the delta; absent if nobody reads the value. */
  readonly holder: Record<string, unknown> | undefined;
  readonly key: string;
}

/** A value of an event, and its offset among the event's bytes. */
interface Place extends Omit<Part, 'before'> {
  readonly start: number;
}

/**
 * Reads events that repeat a parsed event except for what varies: all other bytes are compared, at a fraction of the
 * cost of parsing. Events that differ, or may differ, are left to the parser.
 *
 * This is safe because `"key":"` cannot be part of a JSON string, where quotes are escaped: if it occurs once, it
 * precedes the value that the parsed event has under that key, and any JSON string may replace that value.
 */
export class DeltaMatcher {
  /** @param event the event that is returned: the same object each time, with other deltas */
  private constructor(
    readonly event: unknown,
    private readonly parts: readonly Part[],
    private readonly end: ByteTemplate,
  ) {}

  /**
   * A matcher for repetitions of this event; `undefined` if the event has no delta.
   *
   * @param source the bytes of the event, with the blank line that ends it
   */
  static of(source: Packet, event: unknown, varying: Varying): DeltaMatcher | undefined {
    const text = source.toLatin1();
    const deltas = varying.deltas.flatMap((path) => find(text, event, path, true));
    if (deltas.length === 0) return undefined;
    const besides = (varying.besides ?? []).flatMap((path) => find(text, event, path, false));
    const parts: Part[] = [];
    let at = 0;
    for (const { start, ...value } of [...deltas, ...besides].toSorted(
      (a, b) => a.start - b.start,
    )) {
      parts.push({ ...value, before: new ByteTemplate(source.bytes.subarray(at, start)) });
      at = value.isText ? source.endOfString(start) : source.endOfInteger(start);
      if (at < 0) return undefined;
    }
    return new DeltaMatcher(event, parts, new ByteTemplate(source.bytes.subarray(at)));
  }

  /** The end of the event that begins at `start`, if it is a repetition; otherwise -1. */
  read(packet: Packet, start: number): number {
    const { parts, end } = this;
    let at = start;
    for (let i = 0; i < parts.length; i++) {
      const { before, isText, holder, key } = parts[i]!;
      if (!before.areAt(packet.view, at)) return -1;
      const from = at + before.length;
      at = isText ? packet.endOfString(from) : packet.endOfInteger(from);
      if (at < 0) return -1;
      if (holder !== undefined) holder[key] = packet.jsonString(from, at);
    }
    return end.areAt(packet.view, at) ? at + end.length : -1;
  }
}

function find(text: string, event: unknown, path: Path, isDelta: boolean): Place[] {
  const key = path.at(-1)!;
  const holder = holderOf(event, path);
  const isText = typeof holder?.[key] === 'string';
  if (!isText && (isDelta || typeof holder?.[key] !== 'number')) return [];
  const found = [...text.matchAll(new RegExp(`"${key}"\\s*:\\s*${isText ? '"' : '(?=\\d)'}`, 'g'))];
  if (found.length !== 1) return [];
  const [{ index, 0: before }] = found as [RegExpExecArray];
  return [{ start: index + before.length, isText, holder: isDelta ? holder : undefined, key }];
}

function holderOf(event: unknown, path: Path): Record<string, unknown> | undefined {
  let holder = Object(event) as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = Object(holder[key]) as Record<string, unknown>;
  return holder;
}
