import { Body, Controller, HttpCode, Post, Query, Sse, UseInterceptors } from '@nestjs/common';
import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { TicketHandler, type TicketOutcome } from '../agent/ticket-handler.js';
import { AcceptedWhileWaiting } from './accepted-while-waiting.js';
import { DeskService, type Answer } from './desk.service.js';
import { QuestionPipe } from './question.pipe.js';

@Controller('tickets')
export class TicketsController {
  constructor(
    private readonly desk: DeskService,
    private readonly tickets: TicketHandler,
  ) {}

  /** Handled by the agent; decisions of a colleague are sent to `POST /approvals/:id`. */
  @Post()
  @UseInterceptors(AcceptedWhileWaiting)
  handle(@Body('question', QuestionPipe) question: string): Promise<TicketOutcome> {
    return this.tickets.handle(question);
  }

  @Post('answer')
  @HttpCode(200)
  answer(@Body('question', QuestionPipe) question: string): Promise<Answer> {
    return this.desk.answer(question);
  }

  /** If the client disconnects, the provider's request is cancelled; a client that reconnects is not answered twice. */
  @Sse('stream')
  stream(@Query('q', QuestionPipe) question: string): Observable<MessageEvent> {
    return this.desk.stream(question).toSse();
  }
}
