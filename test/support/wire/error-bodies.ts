import type { CallbacksError, ContextTokens } from 'nestjs-llm-callbacks';
import {
  LlmAuthenticationError,
  LlmBillingError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmModelNotFoundError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmServerError,
  LlmTimeoutError,
} from 'nestjs-llm-callbacks';

/** An error response of some server, and the expected error. */
export interface ErrorRow {
  /** The server or library that sends it. */
  readonly of: string;
  readonly status: number;
  readonly body: unknown;
  readonly is: new (message: string) => CallbacksError;
  readonly retryable?: boolean;
  readonly tokens?: ContextTokens;
  /** The expected message, if it is not `message`. */
  readonly reason?: string;
}

const PASSING = new Set<unknown>([
  LlmOverloadedError,
  LlmRateLimitError,
  LlmServerError,
  LlmTimeoutError,
]);

/** Whether such an error is retryable, unless a row overrides it. */
export function isRetryable({ is, retryable }: ErrorRow): boolean {
  return retryable ?? PASSING.has(is);
}

const openai = (message: string, type = 'invalid_request_error', code: unknown = null) => ({
  error: { message, type, param: null, code },
});
const anthropic = (type: string, message: string) => ({ type: 'error', error: { type, message } });
const google = (code: number, status: string, message: string, details?: object[]) => ({
  error: { code, message, status, details },
});

/** Bodies other than an object with an `error` object, which the SDKs expect. */
export const OTHER_FORMS: readonly ErrorRow[] = [
  {
    of: 'Google, in a list',
    status: 400,
    body: [
      google(
        400,
        'INVALID_ARGUMENT',
        'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      ),
    ],
    is: LlmContextLengthError,
    tokens: { input: 1_200_000, limit: 1_048_576 },
  },
  {
    of: 'Google, in a list',
    status: 503,
    body: [google(503, 'UNAVAILABLE', 'The model has too much to do.')],
    is: LlmOverloadedError,
  },
  {
    of: 'FastAPI, of a field',
    status: 422,
    body: { detail: [{ type: 'missing', loc: ['body', 'model'], msg: 'Field required' }] },
    is: LlmInvalidRequestError,
    reason: 'body.model: Field required',
  },
  {
    of: 'FastAPI, in words',
    status: 401,
    body: { detail: 'Not authenticated' },
    is: LlmAuthenticationError,
    reason: 'Not authenticated',
  },
  {
    of: 'FastAPI, of a model',
    status: 404,
    body: { detail: "Model 'house-7' not found" },
    is: LlmModelNotFoundError,
    reason: "Model 'house-7' not found",
  },
  {
    of: 'xAI',
    status: 400,
    body: {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    },
    is: LlmContextLengthError,
    tokens: { input: 140_000, limit: 131_072 },
    reason: "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
  },
  {
    of: 'vLLM',
    status: 400,
    body: {
      object: 'error',
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    is: LlmContextLengthError,
    tokens: { input: 5_000, limit: 4_096 },
  },
  {
    of: 'Bedrock',
    status: 400,
    body: {
      __type: 'com.amazon.coral#ValidationException',
      message: 'Input is too long for requested model.',
    },
    is: LlmContextLengthError,
  },
  {
    of: 'Cohere',
    status: 400,
    body: {
      message:
        'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000.',
    },
    is: LlmContextLengthError,
    tokens: { input: 5_000, limit: 4_081 },
  },
  {
    of: 'Mistral, of a field',
    status: 422,
    body: {
      object: 'error',
      message: { detail: [{ loc: ['body', 'top_p'], msg: 'Too high' }] },
      type: 'invalid_request_error',
    },
    is: LlmInvalidRequestError,
    reason: 'body.top_p: Too high',
  },
  {
    of: 'Cloudflare',
    status: 400,
    body: {
      success: false,
      errors: [{ code: 7_003, message: 'No route for that URI' }],
      result: null,
    },
    is: LlmInvalidRequestError,
    reason: 'No route for that URI',
  },
  {
    of: 'a proxy, without JSON',
    status: 502,
    body: 'upstream went away',
    is: LlmServerError,
    reason: 'upstream went away',
  },
  {
    of: 'RFC 9457',
    status: 400,
    body: {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The prompt is too long.',
    },
    is: LlmContextLengthError,
    reason: 'The prompt is too long.',
  },
  {
    of: 'OpenRouter, of the server behind it',
    status: 400,
    body: {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: {
          raw: JSON.stringify(
            anthropic(
              'invalid_request_error',
              'prompt is too long: 210000 tokens > 200000 maximum',
            ),
          ),
        },
      },
    },
    is: LlmContextLengthError,
    tokens: { input: 210_000, limit: 200_000 },
    reason: 'Provider returned error: prompt is too long: 210000 tokens > 200000 maximum',
  },
];

/** The account is out of money. */
export const BILLING: readonly ErrorRow[] = [
  {
    of: 'DeepSeek',
    status: 402,
    body: openai('Insufficient Balance', 'unknown_error', 'invalid_request_error'),
    is: LlmBillingError,
  },
  {
    of: 'OpenRouter',
    status: 402,
    body: {
      error: { code: 402, message: 'This request requires more credits, or fewer max_tokens.' },
    },
    is: LlmBillingError,
  },
  { of: 'a server of few words', status: 402, body: '', is: LlmBillingError },
  {
    of: 'Anthropic, with 400',
    status: 400,
    body: anthropic(
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API.',
    ),
    is: LlmBillingError,
  },
  {
    of: 'Anthropic, with 403',
    status: 403,
    body: anthropic(
      'permission_error',
      'Your credit balance is too low to access the Anthropic API.',
    ),
    is: LlmBillingError,
  },
  {
    of: 'Anthropic',
    status: 402,
    body: anthropic('billing_error', 'There is an issue with your payment.'),
    is: LlmBillingError,
  },
  {
    of: 'GLM',
    status: 429,
    body: openai('Insufficient balance or no resource package. Please recharge.', 'x', '1113'),
    is: LlmBillingError,
  },
  {
    of: 'a gateway',
    status: 403,
    body: openai('Not enough.', 'new_api_error', 'insufficient_user_quota'),
    is: LlmBillingError,
  },
  {
    of: 'xAI',
    status: 403,
    body: {
      code: 'The caller does not have permission',
      error:
        'Your team has either used all available credits or reached its monthly spending limit.',
    },
    is: LlmBillingError,
  },
  {
    of: 'OpenAI',
    status: 429,
    body: openai(
      'You exceeded your current quota, please check your plan and billing details.',
      'insufficient_quota',
      'insufficient_quota',
    ),
    is: LlmRateLimitError,
    retryable: false,
  },
  {
    of: 'a server without codes',
    status: 429,
    body: openai(
      'You exceeded your current quota, please check your plan and billing details.',
      '',
    ),
    is: LlmRateLimitError,
    retryable: false,
  },
  {
    of: 'Google, per minute',
    status: 429,
    body: google(
      429,
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota, please check your plan and billing details. Please retry in 24.2s.',
    ),
    is: LlmRateLimitError,
  },
];

const gone = (of: string, status: number, body: unknown): ErrorRow => ({
  of,
  status,
  body,
  is: LlmModelNotFoundError,
});

/** The model does not exist. */
export const MODELS: readonly ErrorRow[] = [
  gone(
    'OpenAI',
    404,
    openai(
      'The model `house-7` does not exist or you do not have access to it.',
      'invalid_request_error',
      'model_not_found',
    ),
  ),
  gone(
    'OpenAI, for a project',
    403,
    openai(
      'Project `p` does not have access to model `house-7`',
      'invalid_request_error',
      'model_not_found',
    ),
  ),
  gone(
    'Groq',
    404,
    openai(
      'The model `house-7` has been decommissioned and is no longer supported.',
      'invalid_request_error',
      'model_decommissioned',
    ),
  ),
  gone(
    'Groq, with 400',
    400,
    openai('The model `house-7` has been decommissioned and is no longer supported.'),
  ),
  gone('Anthropic', 404, anthropic('not_found_error', 'model: claude-house-7')),
  gone('vLLM', 404, {
    object: 'error',
    message: 'The model `house-7` does not exist.',
    type: 'NotFoundError',
    param: null,
    code: 404,
  }),
  gone(
    'vLLM, since 0.10',
    404,
    openai('The model `org/house-7.1` does not exist.', 'NotFoundError', 404),
  ),
  gone('Ollama', 404, openai('model "house:7b" not found, try pulling it first', 'api_error')),
  gone('Ollama, in words', 404, { error: "model 'house:7b' not found" }),
  gone(
    'Google',
    404,
    google(
      404,
      'NOT_FOUND',
      'models/house-7.5 is not found for API version v1beta, or is not supported for generateContent.',
    ),
  ),
  gone('Vertex', 404, [
    google(
      404,
      'NOT_FOUND',
      'Publisher Model `projects/p/locations/l/models/house-7` was not found or your project does not have access to it.',
    ),
  ]),
  gone('Azure', 404, {
    error: {
      code: 'DeploymentNotFound',
      message: 'The API deployment for this resource does not exist.',
    },
  }),
  gone('OpenRouter', 400, { error: { message: 'org/house-7 is not a valid model ID', code: 400 } }),
  gone('OpenRouter, without a provider', 404, {
    error: { message: 'No endpoints found for org/house-7.', code: 404 },
  }),
  gone('Bedrock', 400, { message: 'The provided model identifier is invalid.' }),
  gone('Mistral', 400, {
    object: 'error',
    message: 'Invalid model: house-7',
    type: 'invalid_model',
    param: null,
    code: '1500',
  }),
  gone('DeepSeek', 400, openai('Model Not Exist')),
  gone('xAI', 404, {
    code: 'Some requested entity was not found',
    error: 'The model house-7 does not exist or your team does not have access to it.',
  }),
  gone(
    'Moonshot',
    404,
    openai('Not found the model house-7 or Permission denied', 'resource_not_found_error'),
  ),
  gone('Fireworks', 404, openai('Model not found, inaccessible, and/or not deployed')),
];

/** Rejections that only look like another kind. */
export const REFUSED: readonly ErrorRow[] = [
  {
    of: 'a wrong path',
    status: 404,
    body: { detail: 'Not Found' },
    is: LlmInvalidRequestError,
    reason: 'Not Found',
  },
  {
    of: 'a wrong path, in text',
    status: 404,
    body: '404 page not found',
    is: LlmInvalidRequestError,
    reason: '404 page not found',
  },
  {
    of: 'a page',
    status: 404,
    body: '<html>The model was not found</html>',
    is: LlmInvalidRequestError,
  },
  {
    of: 'an answer of before',
    status: 404,
    body: openai(
      "Previous response with id 'resp_1' not found.",
      'invalid_request_error',
      'previous_response_not_found',
    ),
    is: LlmInvalidRequestError,
  },
  {
    of: 'tools',
    status: 400,
    body: openai('registry.ollama.ai/library/house:7b does not support tools'),
    is: LlmInvalidRequestError,
  },
  {
    of: 'a tool',
    status: 400,
    body: openai("The model called the tool 'lookup' which was not found in request.tools"),
    is: LlmInvalidRequestError,
  },
  {
    of: 'output of OpenAI',
    status: 400,
    body: openai(
      'max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.',
      'invalid_request_error',
      'invalid_value',
    ),
    is: LlmInvalidRequestError,
  },
  {
    of: 'output of Anthropic',
    status: 400,
    body: anthropic(
      'invalid_request_error',
      'max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude-house-7',
    ),
    is: LlmInvalidRequestError,
  },
  {
    of: 'output of DeepSeek',
    status: 400,
    body: openai('Invalid max_tokens value, the valid range of max_tokens is [1, 8192]'),
    is: LlmInvalidRequestError,
  },
  {
    of: 'output of Groq',
    status: 400,
    body: openai(
      '`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model',
    ),
    is: LlmInvalidRequestError,
  },
  {
    of: 'output of Bedrock',
    status: 400,
    body: {
      message:
        'The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.',
    },
    is: LlmInvalidRequestError,
  },
  {
    of: 'tokens per minute',
    status: 429,
    body: openai(
      'Rate limit reached on tokens per min (TPM): Limit 30000, Requested 31000. Please reduce the length of the messages.',
      'tokens',
      'rate_limit_exceeded',
    ),
    is: LlmRateLimitError,
  },
  {
    of: 'tokens per minute of Anthropic',
    status: 429,
    body: anthropic(
      'rate_limit_error',
      'This request would exceed your limit of 40,000 input tokens per minute; the prompt is too long. See the context window.',
    ),
    is: LlmRateLimitError,
  },
  {
    of: 'a key of Google',
    status: 400,
    body: google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
      { reason: 'API_KEY_INVALID' },
    ]),
    is: LlmAuthenticationError,
  },
  {
    of: 'rights of Google',
    status: 403,
    body: google(403, 'PERMISSION_DENIED', 'The caller does not have permission'),
    is: LlmPermissionError,
  },
  {
    of: 'patience of Google',
    status: 504,
    body: google(504, 'DEADLINE_EXCEEDED', 'Too late'),
    is: LlmServerError,
  },
  {
    of: 'a filter of Azure',
    status: 400,
    body: openai(
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      '',
      'content_filter',
    ),
    is: LlmContentFilterError,
  },
];

const tooLong = (of: string, message: string, tokens?: ContextTokens): ErrorRow => ({
  of,
  status: 400,
  body: openai(message),
  is: LlmContextLengthError,
  ...(tokens && { tokens }),
});

/** Too many tokens, in the wording of many servers. */
export const CONTEXT: readonly ErrorRow[] = [
  {
    of: 'llama.cpp',
    status: 400,
    body: {
      error: {
        code: 400,
        message: 'the request exceeds the available context size, try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 5_000,
        n_ctx: 4_096,
      },
    },
    is: LlmContextLengthError,
    tokens: { input: 5_000, limit: 4_096 },
  },
  {
    of: 'Anthropic, with max_tokens',
    status: 400,
    body: anthropic(
      'invalid_request_error',
      'input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease input length or `max_tokens` and try again',
    ),
    is: LlmContextLengthError,
    tokens: { input: 195_000, limit: 200_000 },
  },
  {
    of: 'Anthropic',
    status: 413,
    body: anthropic('request_too_large', 'Request exceeds the maximum size'),
    is: LlmContextLengthError,
  },
  {
    of: 'a server with 500',
    status: 500,
    body: { error: "This model's maximum context length is 4096 tokens" },
    is: LlmContextLengthError,
    tokens: { limit: 4_096 },
    reason: "This model's maximum context length is 4096 tokens",
  },
  tooLong(
    'OpenAI',
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (5000 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
    { input: 5_000, limit: 8_192 },
  ),
  tooLong(
    'OpenAI Responses',
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
  ),
  tooLong(
    'OpenRouter',
    "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (130000 of text input, 10000 in the output).",
    { input: 130_000, limit: 131_072 },
  ),
  tooLong(
    'vLLM',
    "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 20 input tokens (5000 > 4096 - 20).",
    { input: 20, limit: 4_096 },
  ),
  tooLong(
    'vLLM, of its decoder',
    'The decoder prompt (length 5000) is longer than the maximum model length of 4096.',
    { input: 5_000, limit: 4_096 },
  ),
  tooLong(
    'sglang',
    "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    { input: 5_000, limit: 4_096 },
  ),
  tooLong(
    'sglang, of the sum',
    "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4900 tokens from the input messages and 100 tokens for the completion.",
    { input: 4_900, limit: 4_096 },
  ),
  tooLong(
    'TGI',
    'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1800 `inputs` tokens and 500 `max_new_tokens`',
    { input: 1_800, limit: 2_048 },
  ),
  tooLong(
    'TGI, of the input',
    'Input validation error: `inputs` must have less than 1024 tokens. Given: 1500',
    { input: 1_500, limit: 1_024 },
  ),
  tooLong('GLM', 'Input length 700001 exceeds the maximum allowed input length of 640000 tokens', {
    input: 700_001,
    limit: 640_000,
  }),
  tooLong('GLM, in short', 'Prompt exceeds max length'),
  tooLong(
    'Mistral',
    'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    { input: 40_000, limit: 32_768 },
  ),
  tooLong(
    'LM Studio',
    'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens',
    { input: 5_000, limit: 4_096 },
  ),
  tooLong(
    'LM Studio, without numbers',
    'The number of tokens to keep from the initial prompt is greater than the context length.',
  ),
  tooLong('Ollama', 'the input length exceeds the context length'),
  tooLong('Groq', 'Please reduce the length of the messages or completion.'),
  tooLong('Moonshot', 'Your request exceeded model token limit: 8192 (requested: 9000)', {
    input: 9_000,
    limit: 8_192,
  }),
  tooLong('Fireworks', 'The prompt is too long: 200000, model maximum context length: 131071', {
    input: 200_000,
    limit: 131_071,
  }),
  tooLong(
    'Cerebras',
    'Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192',
    { input: 9_000, limit: 8_192 },
  ),
  tooLong('Copilot', 'prompt token count of 140000 exceeds the limit of 128000', {
    input: 140_000,
    limit: 128_000,
  }),
  tooLong(
    'Vertex',
    'Unable to submit request because the input token count is 1200000 but model only supports up to 1048576.',
    { input: 1_200_000, limit: 1_048_576 },
  ),
  tooLong('Alibaba', 'Range of input length should be [1, 129024]', { limit: 129_024 }),
  tooLong('MiniMax', 'invalid params, context window exceeds limit (2013)'),
  tooLong('DeepInfra', 'Requested input length 5000 exceeds maximum input length 4095', {
    input: 5_000,
    limit: 4_095,
  }),
  tooLong('Anthropic behind a proxy', 'prompt is too long: 210000 tokens > 200000 maximum', {
    input: 210_000,
    limit: 200_000,
  }),
];
