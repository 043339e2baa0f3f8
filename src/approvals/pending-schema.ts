import type { JsonSchema } from '../schema/schema.js';

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
export const PENDING_SCHEMA: JsonSchema = {
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
