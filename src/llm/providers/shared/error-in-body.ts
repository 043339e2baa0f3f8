import type { CallbacksError } from '../../../errors/callbacks-error.js';
import { readErrorBody } from './error-body.js';
import { kindOfCode } from './error-kind.js';
import { toLlmError } from './to-llm-error.js';
import { toStreamError } from './stream-error.js';
import { objectOf } from './wire-values.js';

/** Fields that an answer, a choice or a stream event has if it is not an error. */
const ANSWERS = ['choices', 'content', 'output', 'candidates', 'delta', 'response'];
/** The fields that hold the sentence of an error without `error`. */
const SENTENCES = ['message', 'Message', 'msg', 'error_message', 'errorMessage', 'error_msg'];
const GOOD_CODE = /^(?:0|2\d\d|ok|success|succeeded)$/i;
const NAMES_AN_ERROR = /error|exception|invalid|fail|denied|unavailable|exhausted|not_?found/i;

/**
 * The error in a parsed body with a success status, or in a stream event; also the error of a single choice.
 * `undefined` if there is no error.
 *
 * Codes, types and texts are classified as for an error status; an error with only text is an `LlmServerError`. The
 * text is its `reason` and the message of its cause.
 */
export function errorInBody(provider: string, body: unknown): CallbacksError | undefined {
  const thrown = thrownInBody(body);
  return thrown === undefined ? undefined : toLlmError(provider, thrown);
}

/** The same as {@link errorInBody}, as an SDK's own error. */
export function thrownInBody(body: unknown): Error | undefined {
  return isErrorBody(body) ? toStreamError(body) : undefined;
}

function isErrorBody(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (Array.isArray(body)) return body.length > 0 && saysSomething(objectOf(body[0])['error']);
  const fields = body as Record<string, unknown>;
  if (fields['error'] && saysSomething(fields['error'])) return true;
  // Streams have many events, and nearly all of them return here.
  if (ANSWERS.some((name) => hasValue(fields[name]))) return false;
  if (fields['type'] === 'error' || fields['object'] === 'error') return true;
  if (fields['error']) return !hasOtherName(fields);
  return hasDetail(fields) || hasFailedStatus(fields) || hasMessage(fields);
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Some servers send an empty error beside each successful answer. */
function saysSomething(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return Boolean(error);
  const { words, codes, status } = readErrorBody(error);
  return (
    words !== '' ||
    status !== undefined ||
    codes.some((code) => code !== '' && !GOOD_CODE.test(code))
  );
}

function hasDetail({ detail, errors }: Record<string, unknown>): boolean {
  if (Array.isArray(errors) && errors.length > 0) return true;
  if (!hasValue(detail)) return false;
  return typeof detail === 'string' || Array.isArray(detail)
    ? detail.length > 0
    : readErrorBody(detail).words !== '';
}

/** MiniMax: https://platform.minimax.io/docs/api-reference/errorcode */
function hasFailedStatus({ base_resp: state }: Record<string, unknown>): boolean {
  const { status_code: code } = objectOf(state);
  return typeof code === 'number' && code !== 0;
}

/** Whether it has a sentence, and none of the fields of an answer or an event. */
function hasMessage(fields: Record<string, unknown>): boolean {
  const says = SENTENCES.some((name) => typeof fields[name] === 'string' && fields[name] !== '');
  if (!says) return false;
  const { code, status } = fields;
  return !isGoodCode(code) && !isGoodCode(status) && !hasOtherName(fields);
}

/** Whether its name is that of an answer or an event, or its status is not an error status. */
function hasOtherName({ type, object, status }: Record<string, unknown>): boolean {
  return [type, object, status].some(
    (name) => typeof name === 'string' && name !== '' && !isErrorName(name),
  );
}

function isGoodCode(code: unknown): boolean {
  return (typeof code === 'string' || typeof code === 'number') && GOOD_CODE.test(String(code));
}

function isErrorName(name: string): boolean {
  return /^\d+$/.test(name) || kindOfCode(name) !== undefined || NAMES_AN_ERROR.test(name);
}
