import type { Attributes } from '@opentelemetry/api';
import { fieldOf, logText } from '../util/log.js';

/** Milliseconds as seconds. */
export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

/** The first of these fields that is a number. */
export function numberIn(value: unknown, ...names: string[]): number | undefined {
  for (const name of names) {
    const found = fieldOf(value, name);
    if (typeof found === 'number' && Number.isFinite(found)) return found;
  }
  return undefined;
}

/** A field that is a text. */
export function textIn(value: unknown, name: string): string | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** Without absent values, which some exporters write as empty ones. */
export function defined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** A text, or redacted content as JSON. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Attributes whose names of tools, models, agents and sources come from anybody: without what looks like a secret, and
 * without characters that break or forge lines.
 */
export function safeNames(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'string' ? logText(value) : value,
    ]),
  );
}
