import { Controller, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService } from 'nestjs-llm-callbacks';
import { filter, type Observable } from 'rxjs';

@Controller('desk')
export class DeskProgressController {
  constructor(private readonly agent: AgentService) {}

  // A browser that leaves cancels the agent; one that connects again is not answered twice.
  @Sse()
  ask(@Query('question') question: string): Observable<MessageEvent> {
    const messages = this.agent.stream(question).toSse();
    return messages.pipe(filter(({ type }) => type !== 'chunk'));
  }
}
