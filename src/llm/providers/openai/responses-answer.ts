import { LlmResponseError, LlmServerError } from '../../../errors/llm-errors.js';
import type { FinishReason } from '../../../types/llm.js';
import { toFinishReason } from '../shared/finish-reason.js';
import { errorInBody } from '../shared/error-in-body.js';
import { isObject, listOf, objectOf, textOf, type WireObject } from '../shared/wire-values.js';

/** An answer that is no answer yet, or will never be one. */
const UNFINISHED = new Set<unknown>(['queued', 'in_progress', 'cancelled']);

/** What a message item says. */
export interface SaidItem {
  readonly text: string;
  readonly isRefusal: boolean;
}

/** Why there is no answer, if there is none; some servers answer an error with a good status. */
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

/** What an item says, or refuses to say; nothing for items of other kinds. */
export function saidIn({ type, content }: WireObject): SaidItem {
  if (type !== 'message') return { text: '', isRefusal: false };
  if (typeof content === 'string') return { text: content, isRefusal: false };
  const parts = listOf(content).map((part) => (isObject(part) ? part : { text: part }));
  return {
    text: parts.map(({ refusal, text }) => textOf(refusal) || textOf(text)).join(''),
    isRefusal: parts.some(({ type: kind, refusal }) => kind === 'refusal' && textOf(refusal)),
  };
}

/** The thoughts of an item: its summary, or the full text where a server shows it. */
export function thoughtIn({ type, summary, content }: WireObject): string {
  if (type !== 'reasoning') return '';
  const parts = [...listOf(summary), ...listOf(content)];
  return parts.map((part) => textOf(objectOf(part)['text'])).join('');
}

/** Whether the server keeps the answer, so that its items can be named by their ids. */
export function isStored({ store }: WireObject): boolean {
  return store === true;
}

/** Why a response ended; it has no reason unless it is incomplete. */
export function finishReasonOf(response: WireObject, hasToolCalls: boolean): FinishReason {
  const { status, incomplete_details: incomplete } = response;
  if (status !== 'incomplete' && !incomplete) return toFinishReason('stop', hasToolCalls);
  return toFinishReason(objectOf(incomplete)['reason'], hasToolCalls);
}
