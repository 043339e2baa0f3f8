import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { EmbeddingStartEvent } from '../events/embedding.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { LlmParameters, LlmStartEvent } from '../events/llm.events.js';
import { fieldOf } from '../util/log.js';
import { ATTR, INNER_CHAIN, OPERATIONS, OWN_ATTR, type Semconv } from './names.js';
import type { RunTelemetry } from './run-telemetry.js';
import { defined, numberIn, safeNames, textIn } from './values.js';

/** What a span starts with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** The labels of clients that the convention calls otherwise. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  vertex: 'gcp.vertex_ai',
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  moonshotai: 'moonshot_ai',
  xai: 'x_ai',
  'x-ai': 'x_ai',
};

/** The name of a provider in the convention, by the label of a client. */
export function providerName(label: string | undefined): string {
  if (label === undefined) return '_OTHER';
  return Object.hasOwn(PROVIDER_NAMES, label) ? PROVIDER_NAMES[label]! : label;
}

/** The span of a run that starts; `undefined` for events that start none. */
export function spanStart(
  event: CallbackEvent,
  run: RunTelemetry,
  semconv: Semconv,
): SpanStart | undefined {
  switch (event.type) {
    case 'llm.start':
      return named(event, SpanKind.CLIENT, OPERATIONS.llm, ATTR.requestModel, llmStart(event));
    case 'embedding.start':
      return named(
        event,
        SpanKind.CLIENT,
        OPERATIONS.embedding,
        ATTR.requestModel,
        embedStart(event),
      );
    case 'retrieval.start':
      return named(event, SpanKind.CLIENT, OPERATIONS.retrieval, ATTR.dataSourceId, {
        [ATTR.dataSourceId]: event.source,
      });
    case 'tool.start':
      return named(event, SpanKind.INTERNAL, OPERATIONS.tool, ATTR.toolName, {
        [ATTR.toolName]: event.toolName,
        [ATTR.toolType]: 'function',
        [ATTR.toolCallId]: event.toolCallId,
        [ATTR.agentName]: agentNameOf(run.agent),
      });
    case 'agent.start':
      return named(event, SpanKind.INTERNAL, OPERATIONS.agent, ATTR.agentName, {
        [ATTR.agentName]: event.agentName,
        [ATTR.requestModel]: event.model,
        // Required there, and gone since.
        ...(semconv !== 'latest' && { [ATTR.providerName]: providerName(event.provider) }),
      });
    case 'chain.start':
      return chainStart(event.chainName, event, run);
    default:
      return undefined;
  }
}

function chainStart(name: string, event: CallbackEvent, run: RunTelemetry): SpanStart {
  if (!run.isInChain)
    return named(event, SpanKind.INTERNAL, OPERATIONS.chain, ATTR.workflowName, {
      [ATTR.workflowName]: name,
    });
  return spanOf(event, SpanKind.INTERNAL, INNER_CHAIN, OWN_ATTR.chainName, {
    [OWN_ATTR.chainName]: name,
  });
}

/** @param target the attribute whose value is in the span's name */
function named(
  event: CallbackEvent,
  kind: SpanKind,
  operation: string,
  target: string,
  own: Attributes,
): SpanStart {
  return spanOf(event, kind, operation, target, { [ATTR.operationName]: operation, ...own });
}

function spanOf(
  event: CallbackEvent,
  kind: SpanKind,
  first: string,
  target: string,
  own: Attributes,
): SpanStart {
  const attributes = { ...safeNames(defined(own)), ...identity(event) };
  const { [target]: second } = attributes;
  return { name: second ? `${first} ${String(second)}` : first, kind, attributes };
}

function identity({ runId, origin }: CallbackEvent): Attributes {
  return { [OWN_ATTR.runId]: runId, ...(origin !== 'own' && { [OWN_ATTR.origin]: origin }) };
}

/**
 * What applications put into a run besides content, redacted: whose it is, and where its answer stops. Not for
 * samplers, because a span that is not recorded must not cost it.
 */
export function callerAttributes(event: CallbackEvent): Attributes {
  const { conversationId, userId, tenantId } = event;
  const stop = event.type === 'llm.start' ? stopSequences(event.parameters) : undefined;
  const given = [conversationId, userId, tenantId, stop];
  if (given.every((value) => value === undefined)) return {};
  // Named as in the JSON of events, so that paths are found.
  const known: unknown = event.redacted('span', {
    conversationId,
    userId,
    tenantId,
    parameters: { stop },
  });
  return defined({
    [ATTR.conversationId]: textIn(known, 'conversationId'),
    [ATTR.userId]: textIn(known, 'userId'),
    [OWN_ATTR.tenantId]: textIn(known, 'tenantId'),
    [ATTR.requestStopSequences]: asTexts(fieldOf(fieldOf(known, 'parameters'), 'stop')),
  });
}

/** The name of an agent's run. */
export function agentNameOf(agent: RunTelemetry | undefined): string | undefined {
  return agent?.start.type === 'agent.start' ? agent.start.agentName : undefined;
}

/** The provider, the model and the server of a request. */
export function modelAttributes(event: LlmStartEvent | EmbeddingStartEvent): Attributes {
  return {
    [ATTR.providerName]: providerName(event.provider),
    [ATTR.requestModel]: event.model,
    [ATTR.serverAddress]: event.server?.address,
    [ATTR.serverPort]: event.server?.port,
  };
}

function llmStart(event: LlmStartEvent): Attributes {
  const { parameters } = event;
  return {
    ...modelAttributes(event),
    [ATTR.requestStream]: event.streaming || undefined,
    ...requestParameters(parameters),
    ...(event.provider === 'openai' && {
      [ATTR.openaiRequestServiceTier]: textIn(parameters.providerOptions, 'service_tier'),
    }),
  };
}

/** The fields that callers and SDKs pass on as they are. */
function requestParameters(parameters: LlmParameters): Attributes {
  const { providerOptions: own, schema } = parameters;
  const choices = numberIn(own, 'n');
  const limit =
    numberIn(own, 'max_completion_tokens', 'max_output_tokens', 'max_tokens') ??
    parameters.maxOutputTokens;
  return {
    [ATTR.outputType]: schema === undefined ? outputType(own) : 'json',
    [ATTR.requestChoiceCount]: choices === 1 ? undefined : choices,
    [ATTR.requestSeed]: numberIn(own, 'seed'),
    [ATTR.requestTopK]: numberIn(own, 'top_k'),
    [ATTR.requestTopP]: numberIn(own, 'top_p'),
    [ATTR.requestTemperature]: numberIn(own, 'temperature') ?? parameters.temperature,
    [ATTR.requestMaxTokens]: limit,
    [ATTR.requestFrequencyPenalty]: numberIn(own, 'frequency_penalty'),
    [ATTR.requestPresencePenalty]: numberIn(own, 'presence_penalty'),
    [ATTR.requestPreviousResponseId]: textIn(own, 'previous_response_id'),
    [ATTR.requestReasoningLevel]:
      textIn(own, 'reasoning_effort') ??
      textIn(fieldOf(own, 'reasoning'), 'effort') ??
      textIn(fieldOf(own, 'output_config'), 'effort'),
  };
}

function stopSequences({ stop, providerOptions }: LlmParameters): string[] | undefined {
  const own = fieldOf(providerOptions, 'stop') ?? fieldOf(providerOptions, 'stop_sequences');
  const given = typeof own === 'string' ? [own] : (own ?? stop);
  return asTexts(given);
}

function asTexts(given: unknown): string[] | undefined {
  if (!Array.isArray(given) || given.length === 0) return undefined;
  return given.every((text) => typeof text === 'string') ? [...given] : undefined;
}

function outputType(options: unknown): string | undefined {
  const format =
    fieldOf(options, 'response_format') ??
    fieldOf(fieldOf(options, 'text'), 'format') ??
    fieldOf(fieldOf(options, 'output_config'), 'format');
  const type = textIn(format, 'type');
  if (type === 'json_object' || type === 'json_schema') return 'json';
  return type === 'text' ? type : undefined;
}

function embedStart(event: EmbeddingStartEvent): Attributes {
  return { ...modelAttributes(event), [ATTR.embeddingsDimensionCount]: event.dimensions };
}
