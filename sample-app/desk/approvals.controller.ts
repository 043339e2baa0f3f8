import { Body, Controller, Param, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import type { ApprovalDecision } from 'nestjs-llm-callbacks';
import { TicketHandler, type TicketOutcome } from '../agent/ticket-handler.js';
import { AcceptedWhileWaiting } from './accepted-while-waiting.js';
import { DecisionPipe } from './decision.pipe.js';
import { SignedInGuard } from './signed-in.guard.js';
import { User } from './who-is-asking.js';

/**
 * Every signed-in user may decide here; a real application restricts this with a guard. The run continues for the
 * customer who asked, so handlers see that user; the guard checks who decides.
 */
@Controller('approvals')
@UseGuards(SignedInGuard)
export class ApprovalsController {
  constructor(private readonly tickets: TicketHandler) {}

  @Post(':id')
  @UseInterceptors(AcceptedWhileWaiting)
  decide(
    @Param('id') id: string,
    @Body(DecisionPipe) decision: ApprovalDecision,
    @User() approver: string,
  ): Promise<TicketOutcome> {
    return this.tickets.resume(id, decision, approver);
  }
}
