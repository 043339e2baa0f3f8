import { Controller, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService, type CallbackEvent } from 'nestjs-llm-callbacks';
import { mergeMap, type Observable } from 'rxjs';

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
    return this.agent.stream(question).toObservable().pipe(mergeMap(toMessages));
  }
}

/** Only what the page shows: events hold prompts, arguments and results. */
function toMessages(event: CallbackEvent): MessageEvent[] {
  switch (event.type) {
    case 'llm.chunk':
      return event.chunk.type === 'text' ? [{ type: 'text', data: event.chunk.text }] : [];
    case 'tool.start':
    case 'tool.end':
      return [{ type: event.type, data: event.toolName }];
    case 'agent.end':
      return event.parentRunId === undefined ? [{ type: 'done', data: event.result.output }] : [];
    default:
      return [];
  }
}
// #endregion
