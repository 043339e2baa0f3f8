import { UseInterceptors, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CallbacksModule, LlmService, RequestContextInterceptor } from 'nestjs-llm-callbacks';
import { map } from 'rxjs';
import { model } from './fake-model.js';

// #region gateway
/** What the application's own `handleConnection` has found out of the client. */
interface SignedInSocket {
  user?: { id: string };
}

export const withSocketUsers = CallbacksModule.forRoot({
  llm: model,
  context: (host: ExecutionContext) =>
    host.getType() === 'ws'
      ? { userId: host.switchToWs().getClient<SignedInSocket>().user?.id }
      : {},
});

@WebSocketGateway()
@UseInterceptors(RequestContextInterceptor) // for Nest 11
export class StoryGateway {
  constructor(private readonly llm: LlmService) {}

  // A client that disconnects cancels the stream.
  @SubscribeMessage('write')
  write(@MessageBody() about: string) {
    return this.llm
      .stream(`Tell me a story about ${about}.`)
      .toObservable()
      .pipe(map((chunk) => ({ event: 'chunk', data: chunk })));
  }
}
// #endregion
