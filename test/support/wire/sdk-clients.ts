import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { anthropic } from './anthropic.js';
import { newCloudClient } from './clouds.js';
import { openai } from './openai.js';
import type { WireFormat } from './wire-format.js';

/** A `fetch` by whose errors the SDKs detect their own timeout: those of the global one are of another realm in Jest. */
export const fetchInRealm: typeof fetch = (input, init) =>
  fetch(input, init).catch((error: unknown) => {
    const { name, message } = error as Error;
    throw Object.assign(new Error(message), { name });
  });

/** OpenAI's own client, as an application creates it. */
export function newOpenAi(origin: string, options: object = {}): OpenAI {
  const { apiKey = '', baseURL } = openai.client(origin);
  return new OpenAI({ apiKey, baseURL, maxRetries: 1, ...options });
}

/** Anthropic's own client, as an application creates it. */
export function newAnthropic(origin: string, options: object = {}): Anthropic {
  const { apiKey = '', baseURL } = anthropic.client(origin);
  return new Anthropic({ apiKey, baseURL, maxRetries: 1, ...options });
}

export function newClient(wire: WireFormat, origin: string, options?: object): OpenAI | Anthropic {
  const ofCloud = newCloudClient(wire, origin, options);
  if (ofCloud !== undefined) return ofCloud;
  return (wire.provider === 'openai' ? newOpenAi : newAnthropic)(origin, options);
}
