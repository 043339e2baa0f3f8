import type { ContextTokens } from '../../../errors/llm-errors.js';
import { objectOf } from './wire-values.js';

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
