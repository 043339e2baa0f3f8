import type { CallbackEvent, Usage } from 'nestjs-llm-callbacks';

/** An event and a callback's output for it, in columns. */
export function line({ type }: Pick<CallbackEvent, 'type'>, text: string): string {
  return `${type.padEnd(13)}  ${text}`;
}

/** The number of tokens; "about" if they were estimated because the provider did not count them. */
export function tokensOf({ totalTokens, source }: Usage): string {
  return `${source === 'estimated' ? 'about ' : ''}${totalTokens} tokens`;
}

/** US dollars with enough digits for a single call. */
export function dollars(cost: number | null): string {
  return cost === null ? 'price unknown' : `$${cost.toFixed(6)}`;
}

export function milliseconds(duration: number): string {
  return `${Math.round(duration)} ms`;
}
