import type { ContentPart } from '../../../types/message.js';

/** The URL of an image; its bytes become a data URL, which both of OpenAI's APIs accept. */
export function imageUrl(part: Exclude<ContentPart, { type: 'text' }>): string {
  return 'url' in part
    ? part.url
    : `data:${part.mediaType};base64,${Buffer.from(part.data).toString('base64')}`;
}
