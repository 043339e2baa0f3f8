import { LlmResponseError, LlmServerError } from '../../../errors/llm-errors.js';
import type { FinishReason } from '../../../types/llm.js';
import { toFinishReason } from '../shared/finish-reason.js';
import { errorInBody } from '../shared/error-in-body.js';
import { isObject, listOf, objectOf, textOf, type WireObject } from '../shared/wire-values.js';

/** States of an answer that is not finished, or never will be. */
const UNFINISHED = new Set<unknown>(['queued', 'in_progress', 'cancelled']);

/** The content of a message item. */
export interface SaidItem {
  readonly text: string;
  readonly isRefusal: boolean;
}

/** Why there is no answer, if so; some servers return an error with a success status. */
export function failureOf(response: WireObject, provider: string): Error | undefined {
  const { error, status } = response;
  const failure = error ? errorInBody(provider, response) : undefined;
  if (failure !== undefined) return failure;
  if (status === 'failed')
    return new LlmServerError(`${provider} failed, and does not say why: call again later.`);
  if (!UNFINISHED.has(status)) return undefined;
  return new LlmResponseError(
    `${provider} sent an answer whose status is "${String(status)}": answers are waited for here, so leave out "background" from providerOptions.`,
  );
}

/** The text or refusal of an item; nothing for items of other kinds. */
export function saidIn({ type, content }: WireObject): SaidItem {
  if (type !== 'message') return { text: '', isRefusal: false };
  if (typeof content === 'string') return { text: content, isRefusal: false };
  const parts = listOf(content).map((part) => (isObject(part) ? part : { text: part }));
  return {
    text: parts.map(({ refusal, text }) => textOf(refusal) || textOf(text)).join(''),
    isRefusal: parts.some(({ type: kind, refusal }) => kind === 'refusal' && textOf(refusal)),
  };
}

/** The reasoning of an item: its summary, or the full text if a server shows it. */
export function thoughtIn({ type, summary, content }: WireObject): string {
  if (type !== 'reasoning') return '';
  const parts = [...listOf(summary), ...listOf(content)];
  return parts.map((part) => textOf(objectOf(part)['text'])).join('');
}

/** Whether the server stores the answer, so that its items can be referenced by id. */
export function isStored({ store }: WireObject): boolean {
  return store === true;
}

/** Why a response ended; it reports a reason only if it is incomplete. */
export function finishReasonOf(response: WireObject, hasToolCalls: boolean): FinishReason {
  const { status, incomplete_details: incomplete } = response;
  if (status !== 'incomplete' && !incomplete) return toFinishReason('stop', hasToolCalls);
  return toFinishReason(objectOf(incomplete)['reason'], hasToolCalls);
}
