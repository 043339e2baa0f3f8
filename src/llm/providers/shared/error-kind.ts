import type { ErrorFacts } from './error-body.js';

/** Provider-independent kinds of failures. */
export type Kind =
  | 'authentication'
  | 'permission'
  | 'rateLimit'
  | 'quota'
  | 'billing'
  | 'contextLength'
  | 'contentFilter'
  | 'modelNotFound'
  | 'invalidRequest'
  | 'overloaded'
  | 'server'
  | 'timeout';

/**
 * The codes and types of OpenAI (https://platform.openai.com/docs/guides/error-codes), Anthropic
 * (https://docs.anthropic.com/en/api/errors), Google (https://ai.google.dev/gemini-api/docs/troubleshooting), Bedrock,
 * vLLM, llama.cpp, xAI and others; in lower case, without underscores, `error` and `exception`.
 */
const KIND_BY_CODE: ReadonlyMap<string, Kind> = toTable({
  authentication: [
    'authentication_error invalid_api_key api_key_invalid invalid_authentication_error unauthenticated unauthorized',
    'UnrecognizedClientException ExpiredTokenException',
  ],
  permission: ['permission_error permission_denied forbidden AccessDeniedException'],
  rateLimit: [
    'rate_limit_error rate_limit_exceeded rate_limit_reached_error resource_exhausted too_many_requests',
    'ThrottlingException ServiceQuotaExceededException',
  ],
  quota: ['insufficient_quota exceeded_current_quota_error'],
  billing: [
    'billing_error billing_not_active billing_hard_limit_reached billing_disabled payment_required arrearage',
    'insufficient_balance insufficient_credits insufficient_funds insufficient_user_quota',
  ],
  contextLength: [
    'context_length_exceeded context_window_exceeded ContextWindowExceededError request_too_large',
    'exceed_context_size_error model_max_prompt_tokens_exceeded',
  ],
  contentFilter: [
    'content_filter content_policy_violation image_content_policy_violation bio_policy',
    'ResponsibleAIPolicyViolation DataInspectionFailed',
  ],
  modelNotFound: [
    'model_not_found model_decommissioned model_deprecated model_not_available model_not_supported model_not_exist',
    'invalid_model unknown_model DeploymentNotFound InvalidEndpointOrModel.NotFound',
  ],
  invalidRequest: [
    'invalid_request_error invalid_prompt invalid_image invalid_image_url invalid_image_format bad_request',
    'not_found_error not_found resource_not_found invalid_argument failed_precondition out_of_range validation_error',
    'unprocessable_entity UnprocessableEntityError conflict_error',
  ],
  overloaded: [
    'overloaded_error server_overloaded server_is_overloaded engine_overloaded_error slow_down',
    'unavailable service_unavailable ServiceUnavailableError ModelNotReadyException',
  ],
  server: [
    'api_error server_error internal internal_error internal_server_error unknown ModelErrorException',
    'ModelStreamErrorException',
  ],
  timeout: ['timeout_error deadline_exceeded gateway_timeout ModelTimeoutException'],
});

/** Codes that are more specific than their status. */
const SHARPER_THAN_STATUS: ReadonlySet<Kind> = new Set([
  'quota',
  'billing',
  'contextLength',
  'contentFilter',
  'overloaded',
]);
/** Codes that are more specific than a rejected request. */
const SHARPER_THAN_REFUSED: ReadonlySet<Kind> = new Set([
  ...SHARPER_THAN_STATUS,
  'modelNotFound',
  'authentication',
]);

const PAYMENT_REQUIRED = 402;
const SERVER_ERRORS = 500;

/** The kind of a failure, by its status, codes and text; `undefined` if they do not determine it. */
export function kindOf({ status, codes, words }: ErrorFacts): Kind | undefined {
  if (status === PAYMENT_REQUIRED) return 'billing';
  const kinds = codes.map(kindOfCode).filter((kind) => kind !== undefined);
  const byStatus = status === undefined ? undefined : kindOfStatus(status);
  const sharper =
    status !== undefined && status >= SERVER_ERRORS ? SHARPER_THAN_STATUS : SHARPER_THAN_REFUSED;
  const byCode = kinds.find((kind) => sharper.has(kind)) ?? kinds[0];
  const isSharper = byCode !== undefined && isAllowed(byCode, byStatus, sharper);
  return byWords(isSharper ? byCode : byStatus, words);
}

/** Whether a code takes precedence over the status. */
function isAllowed(code: Kind, status: Kind | undefined, sharper: ReadonlySet<Kind>): boolean {
  if (status === undefined) return true;
  // Google and xAI reject a key with 400.
  if (code === 'authentication') return status === 'invalidRequest';
  return sharper.has(code);
}

/** Refines an unspecific kind by the text. */
function byWords(kind: Kind | undefined, words: string): Kind | undefined {
  switch (kind) {
    case 'rateLimit':
      if (isAboutBilling(words)) return 'billing';
      return isAboutQuota(words) ? 'quota' : kind;
    case 'authentication':
    case 'permission':
      return isAboutBilling(words) ? 'billing' : kind;
    case 'server':
      return isTooLong(words) ? 'contextLength' : kind;
    case 'invalidRequest':
      return kindOfWords(words) ?? kind;
    case undefined:
      return kindOfWords(words) ?? kindOfBareWords(words);
    default:
      return kind;
  }
}

function kindOfWords(words: string): Kind | undefined {
  if (isTooLong(words)) return 'contextLength';
  if (isFiltered(words)) return 'contentFilter';
  if (isAboutBilling(words)) return 'billing';
  if (isAboutKey(words)) return 'authentication';
  return isAboutModel(words) ? 'modelNotFound' : undefined;
}

/** The kind by the text alone. */
function kindOfBareWords(words: string): Kind | undefined {
  if (isAboutRate(words)) return 'rateLimit';
  return isAboutLoad(words) ? 'overloaded' : undefined;
}

/** The kind for a code or type of any provider. */
export function kindOfCode(code: string): Kind | undefined {
  return KIND_BY_CODE.get(plainCode(code));
}

/** A code as it is in the table: `com.amazon.coral#ThrottlingException` is `throttling`. */
function plainCode(code: string): string {
  const name = code.slice(code.lastIndexOf('#') + 1, 200).toLowerCase();
  return name.replace(/[^a-z0-9]/g, '').replace(/(?:error|exception)$/, '');
}

function toTable(codes: Readonly<Partial<Record<Kind, readonly string[]>>>): Map<string, Kind> {
  const entries = Object.entries(codes) as [Kind, readonly string[]][];
  return new Map(
    entries.flatMap(([kind, lines]) =>
      lines
        .join(' ')
        .split(' ')
        .map((code) => [plainCode(code), kind] as const),
    ),
  );
}

function kindOfStatus(status: number): Kind | undefined {
  if (status === 401) return 'authentication';
  if (status === 403) return 'permission';
  if (status === 408) return 'timeout';
  if (status === 413) return 'contextLength';
  if (status === 429) return 'rateLimit';
  if (status === 503 || status === 529) return 'overloaded';
  if (status >= SERVER_ERRORS) return 'server';
  return status >= 400 ? 'invalidRequest' : undefined;
}

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
function isTooLong(words: string): boolean {
  if (PER_TIME.test(words)) return false;
  if (CONTEXT_LENGTH.some((pattern) => pattern.test(words))) return true;
  return !OUTPUT_LIMIT.test(words) && CONTEXT.test(words);
}

/** Anthropic's and Azure's filter; neither always sends a code for it. */
function isFiltered(words: string): boolean {
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
function isAboutBilling(words: string): boolean {
  return BILLING.test(words);
}

/**
 * Whether the plan's quota is used up; not if the text names a retry time, as Google's does for its limits per minute.
 */
function isAboutQuota(words: string): boolean {
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
function isAboutModel(words: string): boolean {
  return MODEL.some((pattern) => pattern.test(words));
}

/** Whether the key is not accepted, for servers that report this with a 400, or in a 200. */
function isAboutKey(words: string): boolean {
  return /(?:incorrect|invalid|missing|expired) api[ _-]?key|api[ _-]?key (?:is )?(?:not valid|invalid|expired)/i.test(
    words,
  );
}

/** Whether there are too many calls. */
function isAboutRate(words: string): boolean {
  return /rate[ _-]?limit|too many requests/i.test(words);
}

/** Whether the server is overloaded. */
function isAboutLoad(words: string): boolean {
  return /\boverloaded\b|at capacity\b/i.test(words);
}
