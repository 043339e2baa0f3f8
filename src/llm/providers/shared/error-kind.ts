import type { ErrorFacts } from './error-body.js';
import {
  isAboutBilling,
  isAboutKey,
  isAboutLoad,
  isAboutModel,
  isAboutQuota,
  isAboutRate,
  isFiltered,
  isTooLong,
} from './error-words.js';

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
