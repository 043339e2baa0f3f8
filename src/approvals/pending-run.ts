import { PendingRunError } from '../errors/llm-errors.js';
import { JsonSchemaValidators } from '../schema/json-schema-validator.js';
import type { JsonSchema } from '../schema/schema.js';
import type { PendingRun, PendingRunV1 } from '../types/agent.js';
import type { Message, ToolCall } from '../types/message.js';
import { toCanonicalJson } from './pending-signer.js';

/** A stored run, as plain JSON. */
export type StoredRun = PendingRun | PendingRunV1;

/** Checks the form of pending runs; compiled for the first one. */
export class PendingChecker {
  #fits: ReturnType<typeof JsonSchemaValidators.prototype.compile> | undefined;

  /** @throws PendingRunError `'malformed'`, which names what is wrong, and contains none of it */
  check(json: object): StoredRun {
    this.#fits ??= new JsonSchemaValidators().compile(PENDING_SCHEMA);
    const checked = this.#fits(json);
    if ('issues' in checked) {
      throw malformed(
        `parts of it are missing or wrong: store result.pending as it is (${checked.issues}).`,
      );
    }
    const pending = json as StoredRun;
    checkCalls(pending);
    return pending;
  }
}

/** The displayed calls must be those that would be executed, and each call must appear once. */
function checkCalls({ messages, toolCalls, turn }: StoredRun): void {
  const last: Message | undefined = messages.at(-1);
  if (last?.role !== 'assistant') throw malformed('its last message is not the turn of a model.');
  const made = byId(last.toolCalls ?? []);
  const waiting = byId(toolCalls);
  const settled = new Set(turn.settled.map(({ toolCallId }) => toolCallId));
  if (settled.size < turn.settled.length) throw malformed('two results are of one call.');
  for (const id of settled) {
    if (!made.has(id) || waiting.has(id))
      throw malformed('it has a result of a call that has none.');
  }
  for (const [id, call] of made) {
    if (settled.has(id)) continue;
    const shown = waiting.get(id);
    if (shown === undefined)
      throw malformed('a call of its last turn neither waits nor has a result.');
    if (toCanonicalJson(shown) !== toCanonicalJson(call))
      throw malformed('a call that waits is another one in its last turn.');
  }
  if (waiting.size + settled.size > made.size)
    throw malformed('a call that waits is not in its last turn.');
}

function byId(calls: readonly ToolCall[]): Map<string, ToolCall> {
  const found = new Map(calls.map((call) => [call.id, call]));
  if (found.size < calls.length) throw malformed('two of its calls have one id.');
  return found;
}

export function malformed(what: string): PendingRunError {
  return new PendingRunError(`The pending run cannot be resumed: ${what}`, { reason: 'malformed' });
}

const TEXT = { type: 'string' };
const COUNT = { type: 'number', minimum: 0 };
const COST = { type: ['number', 'null'], minimum: 0 };
const ID = { type: 'string', minLength: 1 };
/** The types require strings; an application may pass the number of a row. */
const OPTIONAL_ID = { type: ['string', 'number'] };

const USAGE = {
  type: 'object',
  properties: {
    inputTokens: COUNT,
    outputTokens: COUNT,
    totalTokens: COUNT,
    cachedInputTokens: COUNT,
    cacheWriteTokens: COUNT,
    // Absent in runs that an older version stored.
    cacheWrite1hTokens: COUNT,
    reasoningTokens: COUNT,
    source: { enum: ['provider', 'estimated'] },
  },
  required: [
    'inputTokens',
    'outputTokens',
    'totalTokens',
    'cachedInputTokens',
    'cacheWriteTokens',
    'reasoningTokens',
    'source',
  ],
};

const CONTENT = {
  anyOf: [
    TEXT,
    {
      type: 'array',
      items: { type: 'object', properties: { type: TEXT, text: TEXT, url: TEXT } },
    },
  ],
};

const CALL = {
  type: 'object',
  properties: { id: TEXT, name: TEXT, argsText: TEXT, argsError: TEXT },
  required: ['id', 'name'],
};
const CALLS = { type: 'array', items: CALL };
const WAITING = { type: 'array', items: { ...CALL, required: ['id', 'name', 'argsText'] } };

const MESSAGE = {
  type: 'object',
  properties: {
    role: { enum: ['system', 'user', 'assistant', 'tool'] },
    content: CONTENT,
    toolCalls: CALLS,
    toolCallId: TEXT,
  },
  required: ['role', 'content'],
};

const SETTLED = {
  type: 'object',
  properties: {
    toolCallId: TEXT,
    toolName: TEXT,
    error: { type: 'object', properties: { message: TEXT, code: TEXT }, required: ['message'] },
    content: CONTENT,
  },
  required: ['toolCallId', 'toolName', 'content'],
};

/** Results may be truncated if they were too large to store. */
const STEP = {
  type: 'object',
  properties: {
    index: COUNT,
    action: TEXT,
    text: TEXT,
    toolCalls: { type: 'array' },
    toolResults: { type: 'array' },
    usage: USAGE,
    cost: COST,
  },
  required: ['index', 'action', 'text', 'toolCalls', 'toolResults', 'usage', 'cost'],
};

const TURN = {
  type: 'object',
  properties: {
    id: { ...ID, maxLength: 128 },
    settled: { type: 'array', items: SETTLED },
    usage: USAGE,
    cost: COST,
  },
  required: ['settled', 'usage', 'cost'],
};

const CONTEXT = {
  type: 'object',
  properties: { userId: OPTIONAL_ID, tenantId: OPTIONAL_ID, conversationId: OPTIONAL_ID },
};

/** The form of a pending run, of both versions, as far as the agent relies on it. */
const PENDING_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    runId: { ...ID, maxLength: 128 },
    createdAt: COUNT,
    context: CONTEXT,
    goal: ID,
    toolCalls: WAITING,
    messages: { type: 'array', items: MESSAGE },
    turn: TURN,
    steps: { type: 'array', items: STEP },
    usage: USAGE,
    cost: COST,
  },
  required: ['runId', 'goal', 'toolCalls', 'messages', 'turn', 'steps', 'usage', 'cost'],
  if: { properties: { v: { const: 2 } } },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { properties: { turn: { required: ['id'] } }, required: ['createdAt', 'context'] },
};
