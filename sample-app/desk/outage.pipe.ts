import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { MODELS, type ClientName } from '../models/models.js';

const CLIENTS = Object.keys(MODELS) as ClientName[];
const MAX_CALLS = 100;
const OutageBody = z.object({
  client: z.enum(CLIENTS),
  calls: z.int().min(0).max(MAX_CALLS).default(1),
});

export type Outage = z.infer<typeof OutageBody>;

/** The client whose model fails, and for how many calls. */
export class OutagePipe implements PipeTransform<unknown, Outage> {
  transform(value: unknown): Outage {
    const { success, data } = OutageBody.safeParse(value);
    if (success) return data;
    throw new BadRequestException(
      `Say { "client": one of ${CLIENTS.join(', ')}, "calls": 0 to ${MAX_CALLS} }.`,
    );
  }
}
