import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import type { LimitChanges } from './desk-limits.js';

const MAX_COST = 100;
const MAX_REQUESTS = 10_000;
const Changes = z
  .strictObject({
    maxCost: z.number().min(0).max(MAX_COST),
    requestsPerMinute: z.int().min(0).max(MAX_REQUESTS),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0);

/** One limit or both. */
export class LimitChangesPipe implements PipeTransform<unknown, LimitChanges> {
  transform(value: unknown): LimitChanges {
    const { success, data } = Changes.safeParse(value);
    if (success) return data as LimitChanges;
    throw new BadRequestException(
      `Say { "maxCost": 0 to ${MAX_COST} dollars a day }, { "requestsPerMinute": 0 to ${MAX_REQUESTS} }, or both.`,
    );
  }
}
