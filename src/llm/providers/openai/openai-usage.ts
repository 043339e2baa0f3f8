import { markDoubted, toUsage, UNREPORTED_USAGE, type Usage } from '../../../types/usage.js';
import {
  CountReader,
  listOf,
  objectOf,
  readCount,
  type WireObject,
} from '../shared/wire-values.js';

/** The counts of one usage object; `undefined` for those without a valid value. */
interface Counts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cached: number | undefined;
  readonly written: number | undefined;
  readonly written1h: number | undefined;
  readonly reasoning: number | undefined;
  readonly total: number | undefined;
  /** Whether `input` or `output` is not reported but inferred from the total. */
  readonly isInferred?: true;
}

/**
 * Reads the usage of a chat completion or of a Responses answer, under the names of OpenAI and of compatible servers.
 * Its input includes cached tokens and its output includes reasoning, even if only `total_tokens` shows it. A count
 * that is missing or implausible is 0, and `source` is then `'estimated'`.
 *
 * Formats: OpenAI's API reference; `prompt_cache_hit_tokens` of DeepSeek; `cached_tokens` of Moonshot;
 * `cache_read_input_tokens` and `cache_creation_input_tokens` of proxies in front of Anthropic; reasoning beside
 * `completion_tokens` of xAI and of Gemini's compatible endpoint.
 *
 * @param before the usage of earlier events of the same stream; zero, null or missing fields of a later event do not
 *   change it
 */
export function readOpenAiUsage(usage: unknown, before: Usage = UNREPORTED_USAGE): Usage {
  if (typeof usage !== 'object' || usage === null) return before;
  const wholes = new CountReader();
  const parts = new CountReader();
  const counts = byTotal(countsOf(usage as WireObject, wholes, parts));
  const input = counts.input || before.inputTokens || counts.input;
  const output = counts.output || before.outputTokens || counts.output;
  const inputTokens = input ?? 0;
  const outputTokens = output ?? 0;
  const cachedInputTokens = parts.part(counts.cached || before.cachedInputTokens, inputTokens);
  const cacheWriteTokens = parts.part(
    counts.written || before.cacheWriteTokens,
    inputTokens - cachedInputTokens,
  );
  const isKnown = input !== undefined && output !== undefined && !counts.isInferred;
  const read = toUsage({
    inputTokens,
    outputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: parts.part(counts.written1h || before.cacheWrite1hTokens, cacheWriteTokens),
    reasoningTokens: parts.part(counts.reasoning || before.reasoningTokens, outputTokens),
    source: isKnown && !parts.doubted ? 'provider' : 'estimated',
  });
  return parts.doubted || (wholes.doubted && !isKnown) ? markDoubted(read) : read;
}

/**
 * The usage of a chat completion, or of a chunk of one: at the top, in the first choice (Moonshot), under `x_groq`
 * (Groq), in the message or its delta. A usage with counts is preferred to one without.
 */
export function usageIn(event: unknown): unknown {
  const { usage, choices, x_groq: groq } = objectOf(event);
  if (countsSomething(usage)) return usage;
  // Each chunk of a stream is checked here, and almost none has a usage.
  const choice = objectOf(listOf(choices)[0]);
  return (
    usageOf(choice) ??
    usageOf(groq) ??
    usageOf(choice['message']) ??
    usageOf(choice['delta']) ??
    (typeof usage === 'object' && usage !== null ? usage : undefined)
  );
}

/** A usage with counts; `undefined` if there is none. */
function usageOf(place: unknown): unknown {
  if (typeof place !== 'object' || place === null) return undefined;
  const { usage } = place as WireObject;
  return countsSomething(usage) ? usage : undefined;
}

function countsSomething(usage: unknown): boolean {
  if (typeof usage !== 'object' || usage === null) return false;
  const sent = usage as WireObject;
  return (
    isPositive(sent['prompt_tokens']) ||
    isPositive(sent['input_tokens']) ||
    isPositive(sent['completion_tokens']) ||
    isPositive(sent['output_tokens']) ||
    isPositive(sent['total_tokens'])
  );
}

function isPositive(count: unknown): boolean {
  return (readCount(count) ?? 0) > 0;
}

function countsOf(usage: WireObject, wholes: CountReader, parts: CountReader): Counts {
  const prompt = objectOf(usage['prompt_tokens_details']);
  const input = objectOf(usage['input_tokens_details']);
  const completion = objectOf(usage['completion_tokens_details']);
  const output = objectOf(usage['output_tokens_details']);
  return {
    input: wholes.largest(usage['prompt_tokens'], usage['input_tokens']),
    output: wholes.largest(usage['completion_tokens'], usage['output_tokens']),
    cached: parts.largest(
      prompt['cached_tokens'],
      input['cached_tokens'],
      usage['prompt_cache_hit_tokens'],
      usage['cached_tokens'],
      usage['cache_read_input_tokens'],
    ),
    written: parts.largest(
      prompt['cache_write_tokens'],
      input['cache_write_tokens'],
      usage['cache_creation_input_tokens'],
    ),
    written1h: parts.largest(objectOf(usage['cache_creation'])['ephemeral_1h_input_tokens']),
    reasoning: parts.largest(
      completion['reasoning_tokens'],
      output['reasoning_tokens'],
      usage['reasoning_tokens'],
    ),
    // An implausible total is ignored and invalidates nothing.
    total: readCount(usage['total_tokens']),
  };
}

/** Completes the counts from the total. A total that does not exceed their sum adds nothing. */
function byTotal(counts: Counts): Counts {
  const { input, output, total, cached = 0, written = 0, reasoning } = counts;
  if (total === undefined) return counts;
  const excess = total - (input ?? 0) - (output ?? 0);
  if (excess <= 0) return counts;
  // As Anthropic, and proxies in front of it, count: the prompt excludes cached and cache-written tokens.
  const besides = cached + written;
  const isReasoning = besides <= (input ?? 0) && reasoning === besides;
  if (excess === besides && input !== undefined && output !== undefined && !isReasoning) {
    return { ...counts, input: input + besides };
  }
  // Every request has input.
  if (input) return { ...counts, output: total - input, ...(output === undefined && INFERRED) };
  return output ? { ...counts, input: total - output, ...INFERRED } : counts;
}

const INFERRED = { isInferred: true } as const;
