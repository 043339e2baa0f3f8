import {
  isDoubted,
  markDoubted,
  toUsage,
  UNREPORTED_USAGE,
  type Usage,
} from '../../../types/usage.js';
import { readOpenAiUsage } from '../openai/openai-usage.js';
import {
  CountReader,
  MAX_TOKENS,
  objectOf,
  readCount,
  type WireObject,
} from '../shared/wire-values.js';

/** Anthropic's and OpenAI's count fields, at the top of a usage or in one of its details. */
const COUNTS = [
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'ephemeral_5m_input_tokens',
  'ephemeral_1h_input_tokens',
  'thinking_tokens',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_tokens',
  'reasoning_tokens',
];
const DETAILS = [
  'cache_creation',
  'output_tokens_details',
  'prompt_tokens_details',
  'completion_tokens_details',
];

/** The usage fields of an answer, from one event or several. */
type AnthropicCounts = WireObject;

/** Tokens of one model pass, as Anthropic counts them: `input` excludes cached and cache-written tokens. */
interface Pass {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly read: number;
  readonly written: number;
  readonly written1h: number;
}

/**
 * Reads the usage of a message: Anthropic's `input_tokens` exclude cached and cache-written tokens, its `output_tokens`
 * include thinking. `iterations` (compaction, server-side tools, advisors, fallbacks) are all billed; their sum is used
 * unless it is less than the counts beside them. A count that is missing or implausible is 0, and `source` is then
 * `'estimated'`.
 *
 * Format: platform.claude.com/docs, "Messages" and "Compaction"; compatible servers may use OpenAI's names.
 *
 * @param before the usage of earlier events of the same stream, merged by {@link mergeAnthropicUsage}
 */
export function readAnthropicUsage(usage: unknown, before?: AnthropicCounts): Usage {
  const isAll = before === undefined && typeof usage === 'object' && usage !== null;
  const said = isAll ? (usage as WireObject) : mergeAnthropicUsage(before, usage);
  if (said === undefined) return UNREPORTED_USAGE;
  if (hasNamesOfOpenAi(said)) return readOpenAiUsage(said);
  const reader = new CountReader();
  const { input, output, read, written, written1h } = billed(passOf(said, reader), said);
  const whole = (input ?? 0) + read + written;
  // Without a valid input, the whole of which the other counts are parts is unknown.
  const hasInput = input !== undefined && whole <= MAX_TOKENS;
  const outputTokens = output ?? 0;
  const thinking = reader.largest(objectOf(said['output_tokens_details'])['thinking_tokens']);
  // Written out, because a conditional spread costs more than all the rest.
  const result = toUsage({
    inputTokens: hasInput ? whole : 0,
    cachedInputTokens: hasInput ? read : 0,
    cacheWriteTokens: hasInput ? written : 0,
    cacheWrite1hTokens: hasInput ? reader.part(written1h, written) : 0,
    outputTokens,
    reasoningTokens: reader.part(thinking, outputTokens),
    source: 'provider',
  });
  if (!hasInput || output === undefined || reader.doubted) result.source = 'estimated';
  return reader.doubted || whole > MAX_TOKENS ? markDoubted(result) : result;
}

/**
 * Merges the usage of an event over the earlier usage: counts are totals, so the later one wins; a zero, null, missing
 * or implausible field changes nothing. `undefined` while no usage is known.
 */
function mergeAnthropicUsage(
  before: AnthropicCounts | undefined,
  usage: unknown,
): AnthropicCounts | undefined {
  if (typeof usage !== 'object' || usage === null) return before;
  const later = usage as WireObject;
  const merged = withCounts(before, later);
  for (const name of DETAILS) {
    if (typeof later[name] !== 'object' || later[name] === null) continue;
    merged[name] = withCounts(objectOf(before?.[name]), objectOf(later[name]));
  }
  const { iterations } = later;
  if (Array.isArray(iterations) && iterations.length > 0) merged['iterations'] = iterations;
  return merged;
}

function withCounts(before: WireObject | undefined, later: WireObject): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...before };
  for (const name of COUNTS) {
    const value = later[name];
    if (value === undefined || value === null) continue;
    if (readCount(value) || !readCount(merged[name])) merged[name] = value;
  }
  return merged;
}

function hasNamesOfOpenAi(said: AnthropicCounts): boolean {
  const isOwn = isSent(said['input_tokens']) || isSent(said['output_tokens']);
  return !isOwn && (isSent(said['prompt_tokens']) || isSent(said['completion_tokens']));
}

function isSent(field: unknown): boolean {
  return field !== undefined && field !== null;
}

function passOf(said: WireObject, reader: CountReader): Pass {
  const creation = objectOf(said['cache_creation']);
  const written1h = reader.largest(creation['ephemeral_1h_input_tokens']) ?? 0;
  const written5m = reader.largest(creation['ephemeral_5m_input_tokens']) ?? 0;
  return {
    input: reader.largest(said['input_tokens']),
    output: reader.largest(said['output_tokens']),
    read: reader.largest(said['cache_read_input_tokens']) ?? 0,
    written: reader.largest(said['cache_creation_input_tokens']) || written1h + written5m,
    written1h,
  };
}

/** The billed tokens: the sum of all passes, if listed; a sum that is less than the counts beside it is ignored. */
function billed(top: Pass, { iterations }: AnthropicCounts): Pass {
  if (!Array.isArray(iterations)) return top;
  const reader = new CountReader();
  const sum = { input: 0, output: 0, read: 0, written: 0, written1h: 0 };
  for (const iteration of iterations) {
    const { input, output, read, written, written1h } = passOf(objectOf(iteration), reader);
    if (reader.doubted || input === undefined || output === undefined) return top;
    sum.input += input;
    sum.output += output;
    sum.read += read;
    sum.written += written;
    sum.written1h += written1h;
  }
  sum.written1h = Math.max(sum.written1h, top.written1h);
  const isSum =
    sum.input >= (top.input ?? 0) &&
    sum.output >= (top.output ?? 0) &&
    sum.read >= top.read &&
    sum.written >= top.written;
  return isSum && sum.output <= MAX_TOKENS ? sum : top;
}

/** The usage of a streamed message, over the events that report it. */
export class StreamedAnthropicUsage {
  #said: AnthropicCounts | undefined;
  #isCounted = false;
  #isDoubted = false;

  /**
   * Adds the usage of an event; returns what is known so far, `undefined` if the event has none.
   *
   * @param isLast whether the event follows the whole answer, as `message_delta` does: `message_start` counts the
   *   output
   *   before it is written, unless its message is complete
   */
  add(usage: unknown, isLast: boolean): Usage | undefined {
    if (typeof usage !== 'object' || usage === null) return undefined;
    this.#said = mergeAnthropicUsage(this.#said, usage);
    if (isLast) this.#countOutput(outputIn(usage as WireObject), outputIn(this.#said!));
    return this.known;
  }

  /** The usage known so far; `'estimated'` until the output is fully counted. */
  get known(): Usage {
    const usage = readAnthropicUsage(undefined, this.#said);
    if (this.#isCounted) return usage;
    const soFar = toUsage({ ...usage, source: 'estimated' });
    return this.#isDoubted || isDoubted(usage) ? markDoubted(soFar) : soFar;
  }

  /** A zero after the first count of `message_start` is not a count of the whole. */
  #countOutput(sent: unknown, known: unknown): void {
    const count = readCount(sent);
    if (count !== undefined && count === readCount(known)) this.#isCounted = true;
    else if (count === undefined && sent !== undefined && sent !== null) this.#isDoubted = true;
  }
}

function outputIn(usage: WireObject): unknown {
  return usage['output_tokens'] ?? usage['completion_tokens'];
}
