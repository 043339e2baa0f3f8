import { Body, Controller, Param, Post, UseInterceptors } from '@nestjs/common';
import type { ApprovalDecision } from 'nestjs-llm-callbacks';
import { TicketHandler, type TicketOutcome } from '../agent/ticket-handler.js';
import { AcceptedWhileWaiting } from './accepted-while-waiting.js';
import { DecisionPipe } from './decision.pipe.js';

/** Whoever is signed in may decide here; a real application has a guard that lets only some. */
@Controller('approvals')
export class ApprovalsController {
  constructor(private readonly tickets: TicketHandler) {}

  @Post(':id')
  @UseInterceptors(AcceptedWhileWaiting)
  decide(
    @Param('id') id: string,
    @Body(DecisionPipe) decision: ApprovalDecision,
  ): Promise<TicketOutcome> {
    return this.tickets.resume(id, decision);
  }
}
