import { Controller, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService } from 'nestjs-llm-callbacks';
import type { Observable } from 'rxjs';

// #region read
export async function watch(agent: AgentService, question: string) {
  const stream = agent.stream(question); // nothing happens yet
  for await (const event of stream) {
    if (event.type === 'tool.start') console.log(`${event.toolName} …`);
    if (event.type === 'agent.step') console.log(`turn ${event.step.index + 1} is done`);
  }
  return stream.result;
}
// #endregion

// #region sse
@Controller('chat')
export class ChatController {
  constructor(private readonly agent: AgentService) {}

  @Sse()
  ask(@Query('question') question: string): Observable<MessageEvent> {
    return this.agent.stream(question).toSse();
  }
}
// #endregion
