import type { Attributes } from '@opentelemetry/api';
import type { CustomCallbackEvent } from '../events/callback.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import { fieldOf } from '../util/log.js';
import { finishReason } from './end-attributes.js';
import {
  textMessage,
  toDocuments,
  toInstructions,
  toMessages,
  toOutput,
  toToolDefinitions,
} from './messages.js';
import { CONTENT, OWN_ATTR } from './names.js';
import type { Content, JsonValue } from './options.js';
import { textOf } from './values.js';

/** What a run starts with, from its redacted event. */
export function startContent(event: CallbackEvent): Content {
  const field = redactedFields(event);
  switch (event.type) {
    case 'llm.start':
      return request(fieldOf(field('parameters'), 'system'), field('messages'), field('tools'));
    case 'agent.start':
      return present({
        [CONTENT.systemInstructions]: toInstructions(field('persona')),
        [CONTENT.inputMessages]: textMessage('user', field('goal')),
        [CONTENT.toolDefinitions]: toToolDefinitions(field('tools')),
      });
    case 'tool.start':
      return present({ [CONTENT.toolCallArguments]: field('args') as JsonValue });
    case 'retrieval.start':
      return present({ [CONTENT.retrievalQueryText]: textOf(field('query')) });
    case 'chain.start':
      return present({ [CONTENT.inputMessages]: textMessage('user', field('input')) });
    default:
      return {};
  }
}

function request(system: unknown, messages: unknown, tools: unknown): Content {
  return present({
    [CONTENT.systemInstructions]: toInstructions(system),
    [CONTENT.inputMessages]: toMessages(messages),
    [CONTENT.toolDefinitions]: toToolDefinitions(tools),
  });
}

/** What a run ends with, from its redacted event. */
export function endContent(event: CallbackEvent): Content {
  switch (event.type) {
    case 'llm.end': {
      const field = redactedFields(event);
      return {
        ...sentContent(field('request')),
        [CONTENT.outputMessages]: toOutput(field('response'), finishReason(event.finishReason)),
      };
    }
    case 'llm.error':
      return event.request === undefined ? {} : sentContent(redactedFields(event)('request'));
    case 'agent.end':
      return present({
        [CONTENT.outputMessages]: textMessage(
          'assistant',
          fieldOf(redactedFields(event)('result'), 'output'),
        ).map((message) => ({
          ...message,
          finish_reason: finishReason(event.result.finishReason),
        })),
      });
    case 'tool.end':
      return present({ [CONTENT.toolCallResult]: redactedFields(event)('result') as JsonValue });
    case 'retrieval.end':
      return present({
        [CONTENT.retrievalDocuments]: toDocuments(redactedFields(event)('documents')),
      });
    case 'chain.end':
      return present({
        [CONTENT.outputMessages]: textMessage('assistant', redactedFields(event)('result')),
      });
    default:
      return {};
  }
}

/** The request as interceptors changed it. */
function sentContent(sent: unknown): Content {
  if (sent === undefined) return {};
  return request(fieldOf(sent, 'system'), fieldOf(sent, 'messages'), fieldOf(sent, 'tools'));
}

/** The data of a custom event. */
export function noteContent(event: CustomCallbackEvent): Content {
  return present({ [OWN_ATTR.eventData]: redactedFields(event)('data') as JsonValue });
}

/** As attributes of spans, which have no objects. */
export function toSpanAttributes(content: Content): Attributes {
  return Object.fromEntries(Object.entries(content).map(([name, value]) => [name, textOf(value)]));
}

/** Reads fields of an event's redacted JSON. */
function redactedFields(event: CallbackEvent): (name: string) => unknown {
  const json: unknown = event.redacted('span');
  return (name) => fieldOf(json, name);
}

/** Without what is absent or empty. */
function present(content: Content): Content {
  return Object.fromEntries(Object.entries(content).filter(([, value]) => isPresent(value)));
}

function isPresent(value: JsonValue): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}
