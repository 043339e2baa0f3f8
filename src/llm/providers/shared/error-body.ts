import type { ContextTokens } from '../../../errors/llm-errors.js';
import { objectOf, type WireObject } from './wire-values.js';

/** The contents of a failed request's body, in any format. */
export interface ErrorFacts {
  /** The provider's own sentence; `''` if there is none. */
  readonly words: string;
  /** Its codes and types, innermost first. */
  readonly codes: readonly string[];
  /** The HTTP status in the body. */
  readonly status?: number | undefined;
}

/** Bodies are untrusted: deeper or longer ones are not read to the end. */
const MAX_DEPTH = 5;
const MAX_ITEMS = 8;
/** The longest sentence that is examined, in UTF-16 code units. */
export const MAX_WORDS = 4_000;

/** The fields that hold the sentence, the most specific first. */
const SENTENCES = [
  'message',
  'Message',
  'error_description',
  'error_message',
  'errorMessage',
  'error_msg',
  'detail',
  'errors',
  'msg',
  'error',
  'title',
  'status_msg',
];
const CODES = [
  'code',
  'type',
  'status',
  'reason',
  'statusCode',
  'status_code',
  'error_code',
  'errorCode',
  'error_type',
  '__type',
];
/** The fields that may hold further codes. */
const INNER = ['error', 'errors', 'detail', 'details', 'message', 'base_resp'];

/**
 * Reads the body of a failed request. The formats are those of OpenAI and Anthropic (`{ error: { … } }`), Google (the
 * same, or in a list), vLLM (`{ object: 'error', message }`), xAI (`{ code, error: 'words' }`), FastAPI (`{ detail }`),
 * Cloudflare (`{ errors: [ … ] }`), Bedrock (`{ message }`), OpenRouter (the upstream server's error in `metadata.raw`)
 * and RFC 9457.
 */
export function readErrorBody(body: unknown): ErrorFacts {
  const codes: string[] = [];
  collectCodes(body, codes, 0);
  return {
    words: wordsOf(body, 0).slice(0, MAX_WORDS),
    codes: codes.filter((code) => statusOf(code) === undefined),
    status: codes.map(statusOf).find((status) => status !== undefined),
  };
}

/** The error status that a code stands for, as a number or as digits. */
function statusOf(code: unknown): number | undefined {
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : code;
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) < 600
    ? Number(status)
    : undefined;
}

function wordsOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return value.trim();
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return '';
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => wordsOf(item, depth + 1));
    return items.filter(Boolean).join('; ');
  }
  const fields = value as WireObject;
  const parts = [placeOf(fields), sentenceOf(fields, depth), upstreamWords(fields, depth)];
  return parts.filter(Boolean).join(': ');
}

function sentenceOf(fields: WireObject, depth: number): string {
  const { error, base_resp: state } = fields;
  // An inner error is more specific than a sentence beside it; an `error` that is a text is less specific.
  for (const part of [objectOf(error), ...SENTENCES.map((name) => fields[name]), state]) {
    const words = wordsOf(part, depth + 1);
    if (words) return words;
  }
  return '';
}

/** The location that FastAPI reports: `body.model`. */
function placeOf({ loc, msg }: WireObject): string {
  return Array.isArray(loc) && typeof msg === 'string'
    ? loc.slice(0, MAX_ITEMS).map(String).join('.')
    : '';
}

/** OpenRouter forwards the upstream provider's answer, as text that is often JSON. */
function upstreamWords({ metadata }: WireObject, depth: number): string {
  const { raw } = objectOf(metadata);
  return typeof raw === 'string' ? wordsOf(parsedOrText(raw), depth + 1) : '';
}

/** The value of a JSON text, or the text itself. */
export function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function collectCodes(value: unknown, codes: string[], depth: number): void {
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, MAX_ITEMS)) collectCodes(item, codes, depth + 1);
    return;
  }
  const fields = value as WireObject;
  for (const name of INNER) collectCodes(fields[name], codes, depth + 1);
  // Beside a message, `error` is the name of the error.
  const names = typeof fields['message'] === 'string' ? [...CODES, 'error'] : CODES;
  for (const name of names) {
    const code = fields[name];
    if (typeof code === 'string' || typeof code === 'number') codes.push(String(code));
  }
}

const NUMBER = /(\d{1,3}(?:,\d{3})+|\d{1,12})/.source;

/** The tokens of the messages, the most specific sentence first. */
const INPUT = patterns([
  '#(?: tokens)? (?:in|from) (?:your|the) (?:input )?(?:prompt|messages)',
  '# of text input',
  '# (?:input|prompt) tokens',
  'prompt contains (?:at least )?#',
  '(?:prompt|input) is too long: #',
  'input length \\(?#',
  'input token count (?:is |of )?\\(?#',
  'prompt token count (?:is |of )?\\(?#',
  '(?:request|input|prompt) \\((?:length )?#',
  'request contains #',
  'exceed context limit: #',
  'given: #',
  'resulted in #',
  'received #',
  'current length is #',
  'first # tokens',
  '(?:prompt|input) length \\(?#',
  'requested:? (?:about |a total of )?#',
]);

/** The most tokens that the model accepts. */
const LIMIT = patterns([
  '# maximum context length',
  '> #',
  '(?:context|prompt|model|sequence) (?:length|size|window)(?: limit)?(?: is| of| to)?(?: only)?:? \\(?#',
  'max(?:imum)? (?:allowed )?input length(?: of| is)? #',
  'length should be \\[\\d{1,12}, ?#',
  'tokens allowed \\(#',
  'allowed length \\(#',
  '(?:only )?supports (?:only )?up to #',
  '(?:cannot|not) exceed #',
  '(?:limit|maximum)(?: is| of)?:? #',
  '<= #',
  'less than #',
]);

function patterns(sentences: readonly string[]): RegExp[] {
  return sentences.map((sentence) => new RegExp(sentence.replace('#', NUMBER), 'i'));
}

/**
 * How many tokens were sent and how many fit, from the fields of llama.cpp (`n_prompt_tokens`, `n_ctx`) or from the
 * error text; `undefined` if neither has them.
 */
export function contextTokens(body: unknown, words: string): ContextTokens | undefined {
  const { n_prompt_tokens: sent, n_ctx: size } = {
    ...objectOf(body),
    ...objectOf(objectOf(body)['error']),
  };
  const input = countOf(sent) ?? firstCount(INPUT, words);
  const limit = countOf(size) ?? firstCount(LIMIT, words);
  if (input === undefined && limit === undefined) return undefined;
  return { ...(input !== undefined && { input }), ...(limit !== undefined && { limit }) };
}

function firstCount(all: readonly RegExp[], words: string): number | undefined {
  for (const pattern of all) {
    const count = countOf(pattern.exec(words)?.[1]?.replaceAll(',', ''));
    if (count !== undefined) return count;
  }
  return undefined;
}

function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && value !== '' ? Number(value) : value;
  return Number.isSafeInteger(count) && Number(count) > 0 ? Number(count) : undefined;
}
