import { LlmResponseError } from '../../../errors/llm-errors.js';
import { thrownInBody } from './error-in-body.js';
import { isObject } from './wire-values.js';

/** The longest answer, in bytes; a server that never ends it must not fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

const CURLY = 0x7b;
const SQUARE = 0x5b;
const ANGLE = 0x3c;

/** A body that is not the requested event stream: a whole answer, an error, or a web page. */
export class WholeBody {
  readonly #packets: Buffer[] = [];
  #length = 0;
  #isTaken = false;

  constructor(private readonly provider: string) {}

  /** Whether a body that begins with this byte is not an event stream. */
  static canBegin(first: number | undefined): boolean {
    return first === CURLY || first === SQUARE || first === ANGLE;
  }

  add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > MAX_BYTES)
      throw new LlmResponseError(`${this.provider} sent an answer that is too long.`);
    this.#packets.push(bytes);
  }

  /**
   * The answer, once, when all bytes have arrived.
   *
   * @throws the error that the body reports instead of an answer
   */
  take(): object | undefined {
    if (this.#isTaken) return undefined;
    this.#isTaken = true;
    return toAnswer(this.provider, Buffer.concat(this.#packets).toString());
  }
}

/** The answer in a text, whatever its content type. */
export function toAnswer(provider: string, text: string): object {
  let body: unknown;
  try {
    body = JSON.parse(text.trim());
  } catch {
    throw new LlmResponseError(`${provider} sent an answer that is not JSON: check the base URL.`);
  }
  const thrown = thrownInBody(body);
  if (!isObject(body)) {
    throw thrown ?? new LlmResponseError(`${provider} sent an answer of an unknown form.`);
  }
  return body;
}
