import { Controller, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService, ProgressReporter, type Progress } from 'nestjs-llm-callbacks';
import { ReplaySubject, type Observable } from 'rxjs';

@Controller('desk')
export class DeskProgressController {
  constructor(private readonly agent: AgentService) {}

  // A browser that leaves aborts what its request has begun: the agent stops.
  @Sse()
  ask(@Query('question') question: string): Observable<MessageEvent> {
    const updates = new ReplaySubject<MessageEvent>();
    const progress = new ProgressReporter({
      onProgress: (update) => updates.next({ data: forBrowser(update) }),
    });
    void this.agent
      .run(question, { callbacks: [progress] })
      .catch(() => undefined) // 'failed' was sent
      .finally(() => updates.complete());
    return updates;
  }
}

/** Results hold the whole conversation: only what a page may show is sent. */
function forBrowser(update: Progress) {
  const { step, status } = update;
  if (update.status === 'complete') return { step, status, answer: update.result.output };
  if (update.status === 'failed') return { step, status, error: update.error.code };
  return { step, status, action: update.action };
}
