import type { FinishReason, LlmOptions } from 'nestjs-llm-callbacks';

/** Token counts in a neutral form; each wire format has its own. */
export interface WireUsage {
  /** All of them, including cached and cache-written ones. */
  readonly input: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly output: number;
}

export interface WireToolCall {
  readonly id: string;
  readonly name: string;
  readonly argsText: string;
}

/** An answer of a provider, independent of the wire format. */
export interface Said {
  readonly text?: string;
  /** The model that answers; the format's own by default. */
  readonly model?: string;
  readonly toolCalls?: readonly WireToolCall[];
  readonly finish?: Exclude<FinishReason, 'cancelled' | 'other' | 'paused'>;
  /** `null`: the server reports no usage. */
  readonly usage?: WireUsage | null;
}

/** An error body. */
export interface WireError {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
}

/** A provider's protocol, as far as tests of both providers need it. */
export interface WireFormat {
  readonly name: 'openai' | 'anthropic' | 'responses';
  readonly provider: 'openai' | 'anthropic';
  /** A model in the price list. */
  readonly model: string;
  /** US dollars per million tokens of that model. */
  readonly rates: { readonly input: number; readonly output: number };
  /** The header with the provider's id of a request. */
  readonly requestIdHeader: string;
  /** The start of an event stream, up to the first text. */
  readonly opening: string;
  /** A frame that is not JSON. */
  readonly malformed: string;
  /** The options of a client for a server with the given origin. */
  client(
    origin: string,
  ): LlmOptions & { provider: 'openai' | 'anthropic'; baseURL: string; apiKey?: string };
  /** A whole answer as JSON. */
  answer(said: Said): Record<string, unknown>;
  /** A whole event stream. */
  stream(said: Said): string[];
  /** A whole event stream without its end marker. */
  streamWithoutEnd(said: Said): string[];
  /** The frame of some text. */
  text(piece: string): string;
  error(error: WireError): object;
  /** The frame of an error inside a stream. */
  streamError(error: WireError): string;
}

/** The answer in most tests. */
export const HELLO = { text: 'Hello, world', usage: { input: 1_000, output: 500 } } as const;

/** US dollars for a usage without cached tokens. */
export function costOf(
  { rates }: WireFormat,
  usage: { inputTokens: number; outputTokens: number },
): number {
  return (usage.inputTokens * rates.input + usage.outputTokens * rates.output) / 1_000_000;
}

/** A frame of a stream with the name of the answering model. */
export function answeredBy(frame: string, usual: string, { model = usual }: Said): string {
  return frame.replace(`"model":"${usual}"`, `"model":"${model}"`);
}
