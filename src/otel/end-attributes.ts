import type { Attributes } from '@opentelemetry/api';
import { describeError } from '../errors/callbacks-error.js';
import type { AgentEndEvent, AgentErrorEvent } from '../events/agent.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { LlmEndEvent, ModelTerminalEvent } from '../events/llm.events.js';
import type { FinishReason } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import { providerName } from './attributes.js';
import { ATTR, namesOf, OWN_ATTR, RENAMED_ATTR, type Semconv } from './names.js';
import type { RunTelemetry } from './run-telemetry.js';
import { defined, safeNames, seconds, textIn } from './values.js';

/** The attributes of a run that has ended. */
export function endAttributes(
  event: CallbackEvent,
  run: RunTelemetry,
  semconv: Semconv,
): Attributes {
  return safeNames(ownEndAttributes(event, run, semconv));
}

function ownEndAttributes(event: CallbackEvent, run: RunTelemetry, semconv: Semconv): Attributes {
  switch (event.type) {
    case 'llm.end':
      return defined({ ...modelEnd(event, run, semconv), ...llmEnd(event) });
    case 'llm.error':
      return defined({
        ...modelEnd(event, run, semconv),
        [ATTR.responseFinishReasons]: ['error'],
        ...failure(event),
      });
    case 'embedding.end':
      return defined({
        ...modelEnd(event, run, semconv),
        [ATTR.responseModel]: event.response.model || undefined,
        [OWN_ATTR.cached]: event.response.cached || undefined,
      });
    case 'embedding.error':
      return defined({ ...modelEnd(event, run, semconv), ...failure(event) });
    case 'agent.end':
      return defined({
        ...agentEnd(event, semconv),
        [ATTR.responseFinishReasons]: [finishReason(event.result.finishReason)],
      });
    case 'agent.error':
      return defined({
        ...agentEnd(event, semconv),
        [ATTR.responseFinishReasons]: ['error'],
        ...failure(event),
      });
    case 'tool.error':
      return isDenied(event) ? {} : defined(failure(event));
    case 'chain.error':
    case 'retrieval.error':
      return defined(failure(event));
    default:
      return {};
  }
}

/** Whether a person denied a tool call, which is not a failure of the tool. */
export function isDenied(event: CallbackEvent): boolean {
  return event.type === 'tool.error' && !event.aborted && event.approval?.status === 'denied';
}

function llmEnd(event: LlmEndEvent): Attributes {
  const { response, provider, timeToFirstChunkMs } = event;
  const { raw } = response;
  return {
    [ATTR.responseId]: response.id || undefined,
    [ATTR.responseModel]: response.model || undefined,
    [ATTR.responseFinishReasons]: [finishReason(event.finishReason)],
    [ATTR.responseTimeToFirstChunk]: seconds(timeToFirstChunkMs),
    [OWN_ATTR.cached]: event.cached || undefined,
    ...(provider === 'openai' && {
      [ATTR.openaiResponseServiceTier]: textIn(raw, 'service_tier'),
      [ATTR.openaiResponseSystemFingerprint]: textIn(raw, 'system_fingerprint'),
      [ATTR.openaiApiType]: apiType(raw),
    }),
  };
}

/** The API by the form of its whole answers. */
function apiType(raw: unknown): string | undefined {
  const object = textIn(raw, 'object');
  if (object === 'chat.completion') return 'chat_completions';
  return object === 'response' ? 'responses' : undefined;
}

/** Of all attempts; an answer from a cache has no usage. */
function modelEnd(event: ModelTerminalEvent, run: RunTelemetry, semconv: Semconv): Attributes {
  const { usage, cost, attempts } = event;
  return {
    ...usageAttributes(usage, semconv),
    [OWN_ATTR.cost]: cost ?? undefined,
    [OWN_ATTR.attempts]: attempts.length > 1 ? attempts.length : undefined,
    [OWN_ATTR.responseProvider]: answeredBy(event, run),
  };
}

/** The provider that was called last, if interceptors chose another one. */
function answeredBy({ provider }: ModelTerminalEvent, { start }: RunTelemetry): string | undefined {
  return provider === start.provider ? undefined : providerName(provider);
}

function agentEnd({ usage, cost }: AgentEndEvent | AgentErrorEvent, semconv: Semconv): Attributes {
  return {
    [ATTR.usageInputTokens]: usage.inputTokens,
    [ATTR.usageOutputTokens]: usage.outputTokens,
    // Not there since.
    ...(semconv === 'v1.41' && cacheAttributes(usage, semconv)),
    [OWN_ATTR.cost]: cost ?? undefined,
  };
}

function usageAttributes(usage: Usage, semconv: Semconv): Attributes {
  const { inputTokens, outputTokens, reasoningTokens } = usage;
  // Nothing was counted.
  if (inputTokens === 0 && outputTokens === 0) return {};
  return {
    [ATTR.usageInputTokens]: inputTokens,
    [ATTR.usageOutputTokens]: outputTokens,
    ...cacheAttributes(usage, semconv),
    [ATTR.usageReasoningOutputTokens]: reasoningTokens || undefined,
  };
}

function cacheAttributes(usage: Usage, semconv: Semconv): Attributes {
  const { cachedInputTokens, cacheWriteTokens } = usage;
  const written = namesOf(RENAMED_ATTR.usageCacheWriteInputTokens, semconv);
  return {
    [ATTR.usageCacheReadInputTokens]: cachedInputTokens || undefined,
    ...Object.fromEntries(written.map((name) => [name, cacheWriteTokens || undefined])),
  };
}

/** Of a run that failed or was aborted. */
function failure({ error, aborted }: { readonly error: Error; readonly aborted: boolean }) {
  return { [ATTR.errorType]: errorType(error), [OWN_ATTR.aborted]: aborted || undefined };
}

const LOW_CARDINALITY = /^[\w.:-]{1,64}$/;

/** A few fixed texts: the `code` of an error where there is one, otherwise its name. */
export function errorType(error: unknown): string {
  const { code, name } = describeError(error);
  if (code !== undefined && LOW_CARDINALITY.test(code)) return code;
  return LOW_CARDINALITY.test(name) ? name : '_OTHER';
}

const FINISH_REASONS: Readonly<Record<string, string>> = {
  'tool-calls': 'tool_call',
  'content-filter': 'content_filter',
  // Where no reason arrived.
  cancelled: 'error',
};

/** The convention's word for the end of an answer. */
export function finishReason(reason: FinishReason): string {
  return Object.hasOwn(FINISH_REASONS, reason) ? FINISH_REASONS[reason]! : reason;
}
