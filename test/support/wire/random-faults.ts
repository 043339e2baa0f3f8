import type { CallbacksError } from 'nestjs-llm-callbacks';
import {
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmServerError,
} from 'nestjs-llm-callbacks';
import type { RandomLines } from './random-lines.js';
import type { Random } from './random.js';
import { responseOf } from './responses.js';
import type { WireError, WireFormat } from './wire-format.js';

type ErrorClass = new (message: string) => CallbacksError;

/** An error that a provider may send inside a stream, and the expected error. */
export const REPORTED_ERRORS: readonly { says: WireError; is: ErrorClass }[] = [
  { says: { type: 'overloaded_error' }, is: LlmOverloadedError },
  { says: { type: 'rate_limit_error' }, is: LlmRateLimitError },
  { says: { type: 'api_error', code: 'server_error' }, is: LlmServerError },
  { says: { type: 'unknown_type' }, is: LlmServerError },
  { says: { type: 'invalid_request_error' }, is: LlmInvalidRequestError },
  { says: { type: 'request_too_large' }, is: LlmContextLengthError },
];

/** How a provider sends an error inside a stream. */
export interface ErrorForm {
  readonly form: string;
  /** Whether the SDK's own stream fails by it. If not, the library detects it. */
  readonly failsSdk: boolean | 'by version';
  /** Whether it is undetected when the library reads the SDK's own stream. */
  readonly isMissed?: boolean;
  frame(lines: RandomLines, wire: WireFormat, error: WireError): string;
}

const named: ErrorForm = {
  form: 'an event named "error"',
  failsSdk: true,
  frame: (lines, wire, error) => lines.json(wire.error(error), 'error'),
};

const unnamed: ErrorForm = {
  form: 'an event without a name that holds it',
  failsSdk: true,
  frame: (lines, wire, error) => lines.json(wire.error(error)),
};

/** Compatible servers that do not wrap the error. */
const bare: ErrorForm = {
  form: 'an event named "error" that is it',
  // Later versions of `openai` 7 fail at each event of that name.
  failsSdk: 'by version',
  isMissed: true,
  frame: (lines, _wire, { type, code, message }) => lines.json({ type, code, message }, 'error'),
};

const ofResponses: ErrorForm[] = ['error', undefined].map((name) => ({
  form: `an event of the type "error", with the name ${name}`,
  failsSdk: name === undefined ? false : 'by version',
  frame: (lines, _wire, { type, code = type, message }) =>
    lines.json({ type: 'error', code, message, param: null }, name),
}));

const failed: ErrorForm = {
  form: 'a response that has failed',
  failsSdk: false,
  frame(lines, _wire, { type, code = type, message }) {
    const response = responseOf({ status: 'failed', error: { code, message } });
    return lines.json({ type: 'response.failed', response }, 'response.failed');
  },
};

export const ERROR_FORMS: Record<WireFormat['name'], readonly ErrorForm[]> = {
  openai: [named, unnamed, bare],
  // The SDK skips all events of Anthropic without a name.
  anthropic: [
    named,
    { ...unnamed, failsSdk: false, isMissed: true },
    { ...bare, failsSdk: true, isMissed: false },
  ],
  responses: [named, unnamed, ...ofResponses, failed],
};

const EVENT_NAMES: Record<WireFormat['name'], string | undefined> = {
  openai: undefined,
  anthropic: 'content_block_delta',
  responses: 'response.output_text.delta',
};

/** The frame of an event that is not JSON. */
export function malformed({ name }: WireFormat, random: Random, lines: RandomLines): string {
  const json = `{"type": ${JSON.stringify(random.text())}}`;
  const broken = [json.slice(0, random.int(1, json.length - 1)), `${json}x`, 'oops', "{'a': 1}"];
  return lines.text(random.pick(broken), EVENT_NAMES[name]);
}

const END = {
  openai: /^data: ?\[DONE\]/m,
  anthropic: /"message_stop"/,
  responses: /"response\.(completed|incomplete)"/,
};

/** The index of the frame that ends the answer; the number of frames if none does. */
export function endOf({ name }: WireFormat, frames: readonly string[]): number {
  const at = frames.findIndex((frame) => END[name].test(frame));
  return at === -1 ? frames.length : at;
}
