import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { ApprovalDecision } from 'nestjs-llm-callbacks';
import { z } from 'zod';

const Decision = z.object({ approve: z.boolean(), reason: z.string().trim().max(500).optional() });

/** A colleague's decision; the arguments of the call stay as shown. */
export class DecisionPipe implements PipeTransform<unknown, ApprovalDecision> {
  transform(value: unknown): ApprovalDecision {
    const { success, data } = Decision.safeParse(value);
    if (!success) {
      throw new BadRequestException(
        'Say { "approve": true } or { "approve": false }, with a "reason" of at most 500 characters if you like.',
      );
    }
    const { approve, reason } = data;
    return reason ? { approve, reason } : { approve };
  }
}
