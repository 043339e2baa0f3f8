import type { Attributes } from '@opentelemetry/api';
import type { Usage } from '../types/usage.js';
import type { Instruments, MetricKey } from './instruments.js';
import { ATTR } from './names.js';
import type { RunTelemetry } from './run-telemetry.js';

/** Where tokens are recorded, and with what. */
interface TokenRecorder {
  readonly attributes: Attributes;
  readonly withError: Attributes;
  readonly record: Instruments['record'];
}

/** Records the tokens of an LLM call, of failed ones too. */
export function recordTokens(
  run: RunTelemetry,
  usage: Usage,
  { attributes, withError, record }: TokenRecorder,
): void {
  const { inputTokens, outputTokens } = usage;
  const isCounted = inputTokens > 0 || outputTokens > 0;
  const input = { ...attributes, [ATTR.tokenModality]: isCounted ? inputModality(run) : 'unknown' };
  // Models write text here; what they could write besides is not read.
  const output = { ...attributes, [ATTR.tokenModality]: isCounted ? 'text' : 'unknown' };
  record('usageInputTokens', inputTokens, input);
  record('usageOutputTokens', outputTokens, output);
  if (!isCounted) return;
  const part = (metric: MetricKey, tokens: number, of: Attributes) => {
    if (tokens > 0) record(metric, tokens, of);
  };
  part('usageCacheReadInputTokens', usage.cachedInputTokens, input);
  part('usageCacheWriteInputTokens', usage.cacheWriteTokens, input);
  part('usageReasoningOutputTokens', usage.reasoningTokens, output);
  record('operationInputTokens', inputTokens, withError);
  record('operationOutputTokens', outputTokens, withError);
  record('tokenUsage', inputTokens, { ...attributes, [ATTR.tokenType]: 'input' });
  record('tokenUsage', outputTokens, { ...attributes, [ATTR.tokenType]: 'output' });
}

/** Servers do not say how many tokens images and files had, so that a request with some is of an unknown modality. */
function inputModality({ start }: RunTelemetry): string {
  if (start.type !== 'llm.start') return 'unknown';
  const isText = start.messages.every(
    ({ content }) => typeof content === 'string' || content.every(({ type }) => type === 'text'),
  );
  return isText ? 'text' : 'unknown';
}
