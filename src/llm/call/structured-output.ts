import {
  LlmContentFilterError,
  LlmResponseError,
  SchemaValidationError,
} from '../../errors/llm-errors.js';
import type { CompiledSchema } from '../../schema/schema.js';
import type { FinishReason, LlmRequest, ProviderResult } from '../../types/llm.js';
import type { Message } from '../../types/message.js';

/** The value of an answer, or why it has none; an answer that calls tools has none yet. */
export type AnswerReading = Mismatch | { readonly object?: unknown };
interface Mismatch {
  readonly issues: string;
}

/** Answers that ended early: a second request would end as early. */
const CUT: ReadonlySet<FinishReason> = new Set(['length', 'content-filter', 'paused']);

const FENCE = '```';

/** Reads an answer by its schema. Never rejects. */
export async function readAnswer(
  schema: CompiledSchema,
  { text, toolCalls, finishReason }: ProviderResult,
  continuesPaused: boolean,
): Promise<AnswerReading> {
  if (toolCalls.length > 0) return {};
  if (finishReason === 'paused') return continuesPaused ? {} : { issues: 'the turn is paused' };
  const trimmed = text.trim();
  if (trimmed === '') return { issues: 'the answer is empty' };
  let value: unknown;
  try {
    value = JSON.parse(withoutFences(trimmed));
  } catch {
    return { issues: 'the answer is not JSON' };
  }
  const checked = await schema.validate(value);
  return 'issues' in checked ? checked : { object: checked.value };
}

/** Many models put JSON into a code block, whatever the instructions. */
function withoutFences(text: string): string {
  const endOfFirstLine = text.indexOf('\n');
  const isBlock = endOfFirstLine > 0 && text.startsWith(FENCE) && text.endsWith(FENCE);
  return isBlock ? text.slice(endOfFirstLine, -FENCE.length) : text;
}

/** Whether the model may be asked to write its answer again. */
export function isRepairable(
  { finishReason }: ProviderResult,
  reading: AnswerReading,
): reading is Mismatch {
  return 'issues' in reading && !CUT.has(finishReason);
}

/** The error for an answer that does not match; retryable only if the answer was not cut. */
export function schemaMismatch(
  { text, finishReason }: ProviderResult,
  issues: string,
): SchemaValidationError | LlmContentFilterError | LlmResponseError {
  switch (finishReason) {
    case 'content-filter':
      return new LlmContentFilterError(
        'The model refused to answer, or a content filter cut its answer: there is no value for the schema.',
        // The text of the refusal.
        { reason: text },
      );
    case 'paused':
      return new LlmResponseError(
        'The provider paused the turn, so that there is no value for the schema yet: call without a schema and send the message back, or use an agent.',
        { retryable: false },
      );
    case 'length': {
      const message =
        'The answer was cut before it was whole: raise maxOutputTokens, or ask for less.';
      return new SchemaValidationError(message, { text, issues, retryable: false });
    }
    default:
      return new SchemaValidationError(
        'The answer does not fit the schema: see `issues` and `text` of the error. A simpler schema, or descriptions in it, may help the model.',
        { text, issues, retryable: true },
      );
  }
}

/** The conversation, the answer that does not match, and its issues. */
export function repairRequest(
  request: LlmRequest,
  { jsonSchema }: CompiledSchema,
  { text, message }: ProviderResult,
  issues: string,
): LlmRequest {
  // Providers reject empty turns.
  const answer = text.trim() === '' ? [] : [message];
  const complaint: Message = {
    role: 'user',
    content:
      `Your answer does not fit: ${issues}.\n\n` +
      'Answer again, with the whole JSON value and nothing else. ' +
      `It must fit this JSON Schema:\n${JSON.stringify(jsonSchema)}`,
  };
  return { ...request, messages: [...request.messages, ...answer, complaint] };
}
