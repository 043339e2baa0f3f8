import {
  Controller,
  ForbiddenException,
  Param,
  ParseUUIDPipe,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { map, startWith, type Observable } from 'rxjs';
import { User } from '../desk/who-is-asking.js';
import { ProgressFeed } from './progress-feed.js';

@Controller('progress')
export class ProgressController {
  constructor(private readonly feed: ProgressFeed) {}

  /**
   * The progress of requests with this `x-request-id`. After the first message, `listening`, no progress is missed:
   * send the question then.
   */
  @Sse(':requestId')
  follow(
    @Param('requestId', ParseUUIDPipe) requestId: string,
    @User() userId: string | undefined,
  ): Observable<MessageEvent> {
    if (userId === undefined) {
      throw new ForbiddenException('Say who you are by the header x-user-id.');
    }
    return this.feed.of(requestId, userId).pipe(
      map((progress): MessageEvent => ({ data: progress })),
      startWith<MessageEvent>({ type: 'listening', data: requestId }),
    );
  }
}
