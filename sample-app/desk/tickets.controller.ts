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

  /** The agent takes it; what needs a colleague is answered by `POST /approvals/:id`. */
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

  /** A client that leaves cancels the provider's request; one that connects again is not answered twice. */
  @Sse('stream')
  stream(@Query('q', QuestionPipe) question: string): Observable<MessageEvent> {
    return this.desk.stream(question).toSse();
  }
}
