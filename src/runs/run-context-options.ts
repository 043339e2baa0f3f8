import { isOptions, kindOf } from '../util/known-options.js';
import type { RunContext } from './request-context.js';

/** The names of the run-context options among other options. */
export const RUN_CONTEXT_OPTIONS = {
  userId: true,
  tenantId: true,
  conversationId: true,
  tags: true,
  metadata: true,
} as const satisfies Record<keyof RunContext, true>;

/** Describes parts of a context that have the wrong type. */
export function faultOfRunContext({ tags, metadata }: RunContext): string | undefined {
  const areTags = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string');
  if (tags !== undefined && !areTags) return 'tags must be a list of texts.';
  if (metadata !== undefined && !isOptions(metadata))
    return `metadata must be an object, not ${kindOf(metadata)}.`;
  return undefined;
}
