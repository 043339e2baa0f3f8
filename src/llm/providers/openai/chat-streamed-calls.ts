import type { LlmChunk } from '../../../types/llm.js';
import type { ToolCall } from '../../../types/message.js';
import type { IdRule } from '../shared/history.js';
import {
  isObject,
  jsonTextOf,
  textOf,
  toToolCalls,
  type WireObject,
} from '../shared/wire-values.js';

/** A position that no answer's calls reach: an index from there on only distinguishes calls. */
const MAX_PLACE = 10_000;
/** The slot of the call that began last. */
const LAST = 'last';

/** The usable parts of one `tool_calls` entry. */
interface Piece {
  /** The call it belongs to; `undefined` if the server leaves it out. */
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly extraContent: WireObject | undefined;
}

/** A call that is being written. */
class OpenCall {
  id = '';
  name = '';
  args = '';
  extraContent: WireObject | undefined;
  /** Whether its name was repeated after complete arguments: any further arguments then belong to another call. */
  isNamedAgain = false;
  readonly #end = new JsonEnd();

  constructor(
    /** Its position among the calls of the answer. */
    readonly place: number,
    /** Its position as the server reports it; several calls may have the same. */
    readonly index: number | undefined,
  ) {}

  get isComplete(): boolean {
    return this.#end.isComplete(this.args);
  }
}

/**
 * Assembles the tool calls of a chat completion. Many servers give all calls of an answer the same index, or none: two
 * ids are two calls, and so is a name after complete arguments. An id without a name begins no call, nor does a
 * repeated one.
 */
export class ChatStreamedCalls {
  readonly #calls: OpenCall[] = [];
  /** The call that pieces of an index, or of a list position, belong to. */
  readonly #open = new Map<string, OpenCall>();
  #hasOthers = false;

  get isEmpty(): boolean {
    return this.#calls.length === 0 && !this.#hasOthers;
  }

  /** Whether the arguments of every call are complete JSON. */
  get areComplete(): boolean {
    return this.#calls.every((call) => call.isComplete);
  }

  /** @param areWhole whether each entry is a complete call and not a piece of one */
  push(entries: readonly unknown[], areWhole: boolean, chunks: LlmChunk[]): void {
    // Within one list, each name belongs to another call.
    const named: OpenCall[] | undefined = entries.length > 1 ? [] : undefined;
    for (let place = 0; place < entries.length; place++) {
      const entry = entries[place];
      if (!isObject(entry)) continue;
      if (isOfOtherKind(entry)) {
        this.#hasOthers = true;
        continue;
      }
      const slot = slotOf(entry, named === undefined ? undefined : place);
      const piece = this.#withName(toPiece(entry), slot);
      const known = areWhole ? undefined : this.#continued(piece, slot, named);
      const call = known ?? this.#begin(piece, slot);
      if (piece.name) named?.push(call);
      this.#append(call, piece, known === undefined, chunks);
    }
  }

  /** The data that goes back beside a call, by the call's id in {@link toToolCalls}. */
  extraContents(toolCalls: readonly ToolCall[]): Record<string, WireObject> | undefined {
    const extras = this.#inOrder().flatMap(({ extraContent }, at) =>
      extraContent === undefined ? [] : [[toolCalls[at]!.id, extraContent] as const],
    );
    return extras.length > 0 ? Object.fromEntries(extras) : undefined;
  }

  toToolCalls(): ToolCall[] {
    return toToolCalls(this.#inOrder());
  }

  /** A piece that follows a repeated name belongs to a call with this name. */
  #withName(piece: Piece, slot: string): Piece {
    if (piece.name !== '' || piece.args.trim() === '') return piece;
    const call = this.#open.get(slot);
    return call?.isNamedAgain ? { ...piece, name: call.name } : piece;
  }

  /** The call that a piece continues; `undefined` if it begins one. */
  #continued(
    piece: Piece,
    slot: string,
    named: readonly OpenCall[] | undefined,
  ): OpenCall | undefined {
    const { id, name, args } = piece;
    const call = this.#ofId(piece) ?? this.#open.get(slot) ?? this.#withoutIndex(piece);
    if (call === undefined || name === '') return call;
    const isOther =
      name !== call.name ||
      (id !== '' && call.id !== '' && id !== call.id) ||
      named?.includes(call) === true;
    if (isOther) return undefined;
    if (!call.isComplete) return call;
    const isSaidAgain = id !== '' && id === call.id;
    if (args.trim() === '') {
      call.isNamedAgain = !isSaidAgain;
      return call;
    }
    // The complete call repeated, as some servers end a stream.
    return isSaidAgain && args === call.args ? call : undefined;
  }

  #ofId({ id, index }: Piece): OpenCall | undefined {
    if (id === '') return undefined;
    return this.#calls.findLast(
      (call) => call.id === id && (index === undefined || call.index === index),
    );
  }

  /** The last call, for a piece with a new index, if the call itself came without one. */
  #withoutIndex({ name }: Piece): OpenCall | undefined {
    const last = this.#calls.at(-1);
    return name === '' && last?.index === undefined ? last : undefined;
  }

  #inOrder(): OpenCall[] {
    return this.#calls.toSorted((a, b) => a.place - b.place);
  }

  /** The position that the server reports, unless another call has it. */
  #placeFor(index: number | undefined): number {
    const isFree = (place: number) => this.#calls.every((call) => call.place !== place);
    if (index !== undefined && index >= 0 && index < MAX_PLACE && isFree(index)) return index;
    return this.#calls.reduce((last, { place }) => Math.max(last, place), -1) + 1;
  }

  #begin({ index }: Piece, slot: string): OpenCall {
    const call = new OpenCall(this.#placeFor(index), index);
    this.#calls.push(call);
    this.#open.set(slot, call);
    this.#open.set(LAST, call);
    return call;
  }

  #append(call: OpenCall, piece: Piece, isNew: boolean, chunks: LlmChunk[]): void {
    const chunk: LlmChunk = { type: 'tool-call', index: call.place, argsDelta: '' };
    if (call.id === '' && piece.id !== '') chunk.id = call.id = piece.id;
    if (call.name === '' && piece.name !== '') chunk.name = call.name = piece.name;
    if (isNew || piece.args !== call.args || !call.isComplete) {
      call.args += piece.args;
      chunk.argsDelta = piece.args;
    }
    if (piece.extraContent !== undefined)
      call.extraContent = { ...call.extraContent, ...piece.extraContent };
    chunks.push(chunk);
  }
}

/** The slot for pieces without a known id: the index, the list position, or the last call. */
function slotOf(entry: WireObject, place: number | undefined): string {
  const index = indexOf(entry);
  if (index !== undefined) return String(index);
  return place === undefined ? LAST : `place ${place}`;
}

function indexOf(entry: WireObject): number | undefined {
  const index = Number(entry['index'] ?? Number.NaN);
  return Number.isInteger(index) ? index : undefined;
}

/** Custom tools and the like, whose input is not JSON; `type` is missing or null in many answers. */
function isOfOtherKind(entry: WireObject): boolean {
  const { type, name } = entry;
  const isFunction = isObject(entry['function']) || typeof name === 'string';
  return typeof type === 'string' && type !== 'function' && !isFunction;
}

function toPiece(entry: WireObject): Piece {
  // Some servers leave out the nested object.
  const called = isObject(entry['function']) ? entry['function'] : entry;
  const { extra_content: extraContent } = entry;
  return {
    index: indexOf(entry),
    id: textOf(entry['id']),
    name: textOf(called['name']),
    args: jsonTextOf(called['arguments']),
    extraContent: isObject(extraContent) ? extraContent : undefined,
  };
}

/** The ids of tool calls for servers whose rule is not known. */
const ANY: IdRule = { fits: /^./s, length: 24, uniqueIn: 'turn' };
const OPENAI: IdRule = { fits: /^.{1,40}$/s, length: 24, uniqueIn: 'turn' };
const MISTRAL: IdRule = { fits: /^[a-zA-Z0-9]{9}$/, length: 9, uniqueIn: 'turn' };

/** Which tool call ids a server accepts, by the label of its host. */
export function chatIdsOf(server: string | undefined): IdRule {
  if (server === 'mistral') return MISTRAL;
  return server === 'openai' || server === 'azure' ? OPENAI : ANY;
}

const NOT_BEGUN = -1;

/**
 * Detects whether a growing text is complete JSON: a whole object or list. Each character is read once, however often
 * it is called.
 */
class JsonEnd {
  #at = 0;
  #depth = NOT_BEGUN;
  #isInText = false;

  /** @param text the last text, with more appended */
  isComplete(text: string): boolean {
    for (; this.#at < text.length; this.#at++) this.#step(text.charAt(this.#at));
    return this.#depth === 0;
  }

  #step(character: string): void {
    if (this.#isInText) {
      // An escaped character does not end a text.
      if (character === '\\') this.#at++;
      else if (character === '"') this.#isInText = false;
    } else if (character === '"') this.#isInText = true;
    else if (character === '{' || character === '[')
      this.#depth = this.#depth === NOT_BEGUN ? 1 : this.#depth + 1;
    else if (character === '}' || character === ']') this.#depth--;
  }
}
