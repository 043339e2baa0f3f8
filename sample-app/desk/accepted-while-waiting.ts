import {
  HttpStatus,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { tap, type Observable } from 'rxjs';
import type { TicketOutcome } from '../agent/ticket-handler.js';

/** Responds with 202 if a ticket waits for a colleague, and with 200 if it is done. */
export class AcceptedWhileWaiting implements NestInterceptor<TicketOutcome, TicketOutcome> {
  intercept(host: ExecutionContext, next: CallHandler<TicketOutcome>): Observable<TicketOutcome> {
    const response = host.switchToHttp().getResponse<{ status(code: HttpStatus): unknown }>();
    return next
      .handle()
      .pipe(
        tap(({ status }) =>
          response.status(status === 'waiting' ? HttpStatus.ACCEPTED : HttpStatus.OK),
        ),
      );
  }
}
