/** Tokens of a call, with the same meaning for every provider. Unreported numbers are 0. */
export interface Usage {
  /** All input tokens, cached and cache-written ones included. */
  inputTokens: number;
  /** All output tokens, reasoning included. */
  outputTokens: number;
  /** Input and output together. */
  totalTokens: number;
  /** Input tokens that were read from the provider's prompt cache. */
  cachedInputTokens: number;
  /** Input tokens that were written to the provider's prompt cache. */
  cacheWriteTokens: number;
  /** The part of `cacheWriteTokens` that is billed at the one-hour rate, as Anthropic reports it; 0 elsewhere. */
  cacheWrite1hTokens: number;
  /** The part of `outputTokens` that the model spent on reasoning. */
  reasoningTokens: number;
  /** Whether the provider counted the tokens, or they are estimated because its counts are missing or implausible. */
  source: 'provider' | 'estimated';
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const Usage: object = Object;

/** Marks a usage whose server sent implausible counts. Not enumerable: it never leaves the process. */
const DOUBTED = Symbol('doubted');

/** Marks a usage as one whose server sent implausible counts; returns it. */
export function markDoubted(usage: Usage): Usage {
  return Object.defineProperty(usage, DOUBTED, { value: true });
}

/** Whether the server sent implausible counts. */
export function isDoubted(usage: object): boolean {
  return DOUBTED in usage;
}

/** Whether a usage was counted: by the server, or by a provider with its own estimate. */
export function isCounted(usage: Usage): boolean {
  return usage.source === 'provider' || usage.totalTokens > 0;
}

/** A {@link Usage} from the known numbers; `totalTokens` is the sum of input and output. */
export function toUsage(known: Partial<Omit<Usage, 'totalTokens'>>): Usage {
  const inputTokens = count(known.inputTokens);
  const outputTokens = count(known.outputTokens);
  const usage: Usage = {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens: count(known.cachedInputTokens),
    cacheWriteTokens: count(known.cacheWriteTokens),
    cacheWrite1hTokens: count(known.cacheWrite1hTokens),
    reasoningTokens: count(known.reasoningTokens),
    source: known.source ?? 'provider',
  };
  return isDoubted(known) ? markDoubted(usage) : usage;
}

/** The sum of several usages; estimated if one of them is. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    // Usages stored by an older version lack it.
    cacheWrite1hTokens: count(a.cacheWrite1hTokens) + count(b.cacheWrite1hTokens),
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    source: a.source === 'estimated' || b.source === 'estimated' ? 'estimated' : 'provider',
  };
}

/** Servers send null, negative and fractional counts too; none of them may corrupt a sum. */
function count(value: number | null | undefined): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}

/** Zeros: no provider was called, or nothing of it is known. */
export const NO_USAGE: Readonly<Usage> = Object.freeze(toUsage({}));

/** The usage of an answer whose server sent none: it is then estimated. */
export const UNREPORTED_USAGE: Readonly<Usage> = Object.freeze(toUsage({ source: 'estimated' }));
