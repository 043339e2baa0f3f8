/**
 * The meaning of providers' error texts, for failures whose codes are not specific. All patterns are bounded, because
 * the text comes from the server: no two adjacent repetitions can match the same characters.
 */

/** Limits on requests and tokens per time; such a request does fit into the context. */
const PER_TIME = /\bper[ -](?:second|minute|hour|day)\b|\b(?:TPM|RPM|TPD|RPD)\b|\brate[ _-]?limit/i;

/** vLLM, OpenAI, Anthropic and many others; phrases that only describe a context. */
const CONTEXT_LENGTH = [
  /maximum (?:context|prompt|model|input|sequence|allowed input) length/i,
  /max(?:imum)? (?:input|prompt|context) (?:tokens|length)/i,
  /(?:prompt|input|request|messages?|conversation) (?:is|are|was|were) too (?:long|large) /i,
  /(?:prompt|input|context|conversation)(?: token(?:s| count)?)?(?: length)? (?:is )?too (?:long|large)\b/i,
  /too large for model with \d+ maximum context/i,
  /exceeds? (?:the )?(?:(?:available|model'?s?|maximum|configured|this) )*context (?:size|length|limit|window)/i,
  /exceed(?:s|ed)? (?:the |this |your )?model(?:'s)? (?:token limit|context|maximum)/i,
  /context (?:size|length|limit|window) (?:\S+ )?(?:has been |was |is |limit )?(?:exceed(?:s|ed)|overflow)/i,
  /context window exceeds limit|greater than the context length|when the context (?:the )?overflows/i,
  /(?:reached|longer than|larger than|greater than)(?: the)?(?: model'?s)? (?:context|maximum)(?: model)? (?:length|size)/i,
  /context the overflows|loaded with context length of only/i,
  /input (?:token count|length)\b.{0,80}\bexceeds?/i,
  /input token count is \d+ but/i,
  /(?:prompt|input) tokens? (?:count )?.{0,40}exceeds?\b/i,
  /(?:prompt|input)(?: length)? exceeds (?:the )?max/i,
  /prompt length \S{0,20} ?exceeds/i,
  /number of (?:input|prompt) tokens .{0,80}exceed/i,
  /number of tokens .{0,80}\b(?:exceed|greater than the context)/i,
  /token count exceeds the model/i,
  /total number of tokens in the prompt cannot exceed/i,
  /range of input length should be/i,
  /`?inputs`? (?:tokens \+ `?max_new_tokens`? must be <=|must have less than)/i,
  /total tokens of .{0,40}exceed max message tokens/i,
  /reduce the length of (?:the|your) (?:messages|prompt|input)/i,
];

/** The request asks for too many output tokens; another model or shorter messages do not help. */
const OUTPUT_LIMIT =
  /max[_ ](?:output_|completion_|new_)?tokens\S{0,3}(?: value)?(?: \S+)? (?:is too large|must be|should be|cannot be|supported range|the valid range)|invalid max_tokens|output tokens|completion tokens|maximum tokens you requested|max_tokens: \d+ >/i;
/** Words about a context; sufficient if nothing else matches. */
const CONTEXT = /maximum context|context window|context length|context size|context limit/i;

/** Whether the messages do not fit into the model's context. */
export function isTooLong(words: string): boolean {
  if (PER_TIME.test(words)) return false;
  if (CONTEXT_LENGTH.some((pattern) => pattern.test(words))) return true;
  return !OUTPUT_LIMIT.test(words) && CONTEXT.test(words);
}

/** Anthropic's and Azure's filter; neither always sends a code for it. */
export function isFiltered(words: string): boolean {
  return /content filtering policy|content management policy/i.test(words);
}

const BILLING = new RegExp(
  [
    'credit balance is too low',
    'insufficient[ _](?:account )?(?:balance|credits?|funds)',
    '(?:balance|credits?|funds) (?:is|are) (?:insufficient|not enough|exhausted|used up)',
    'not enough (?:balance|credits?|funds)',
    '(?:requires|need) more credits|used all (?:of )?(?:your |its )?(?:available )?credits|out of credits',
    'credit limit exceeded|(?:monthly )?spend(?:ing)? limit',
    'billing (?:hard limit|to be enabled|is disabled|has been disabled)|check your billing details',
    'reached your specified (?:API )?usage limits',
    'payment required|余额不足',
  ].join('|'),
  'i',
);

/** Whether the account has no money left. */
export function isAboutBilling(words: string): boolean {
  return BILLING.test(words);
}

/**
 * Whether the plan's quota is used up; not if the text names a retry time, as Google's does for its limits per minute.
 */
export function isAboutQuota(words: string): boolean {
  return (
    /exceeded your current quota|check your plan and billing/i.test(words) &&
    !/retry in|quota exceeded for metric/i.test(words) &&
    !PER_TIME.test(words)
  );
}

/** A model's name, quoted or not, with what may precede and follow it. */
const NAME =
  /(?:[ _](?:id|name|identifier|version|code))?:?(?: ?["'`“‘[(]?[^\s"'`”’\])]{1,200}["'`”’\])]?)?,?/
    .source;
/** Phrases for a missing model. */
const GONE = [
  "(?:(?:you requested|that was requested) )?(?:does not|doesn't|do not|did not) exist",
  'not exist',
  '(?:(?:is|was|were|could|cannot|has)(?: not)? )?(?:be |been )?not (?:be )?found',
  '(?:could not|cannot|can not) be found',
  '(?:has been|is|was) (?:decommissioned|deprecated|retired|removed|discontinued|sunset|shut down)',
  'is no longer (?:available|supported)',
  'has reached (?:the|its) end of (?:its )?life',
].join('|');
const MODEL = [
  new RegExp(`\\bmodels?${NAME} (?:${GONE})`, 'i'),
  new RegExp(`(?:^|[.:] )(?:the )?(?:requested )?model${NAME} is not (?:available|supported)`, 'i'),
  new RegExp(`\\bdeployment(?: for this resource)?${NAME} (?:${GONE})`, 'i'),
  /is not a valid model\b/i,
  /\b(?:invalid|unknown|unrecogni[sz]ed|unsupported|no such) model\b(?! (?:output|response|parameter|setting|config|behaviou?r))/i,
  /model identifier is invalid|could not resolve the foundation model/i,
  /no endpoints found for (?!.{0,80}(?:polic|privacy|guardrail))/i,
  /not found (?:the )?model\b|unable to access (?:non-serverless )?model\b/i,
  /^model: \S+$/i,
  /模型不存在/,
];

/** Whether the requested model does not exist. */
export function isAboutModel(words: string): boolean {
  return MODEL.some((pattern) => pattern.test(words));
}

/** Whether the key is not accepted, for servers that report this with a 400, or in a 200. */
export function isAboutKey(words: string): boolean {
  return /(?:incorrect|invalid|missing|expired) api[ _-]?key|api[ _-]?key (?:is )?(?:not valid|invalid|expired)/i.test(
    words,
  );
}

/** Whether there are too many calls. */
export function isAboutRate(words: string): boolean {
  return /rate[ _-]?limit|too many requests/i.test(words);
}

/** Whether the server is overloaded. */
export function isAboutLoad(words: string): boolean {
  return /\boverloaded\b|at capacity\b/i.test(words);
}
