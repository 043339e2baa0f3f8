import { Controller, Logger, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService, LlmService, type AgentResult } from 'nestjs-llm-callbacks';
import type { Observable } from 'rxjs';

// #region llm
@Controller('tales')
export class TalesController {
  constructor(private readonly llm: LlmService) {}

  @Sse()
  write(@Query('about') about: string): Observable<MessageEvent> {
    return this.llm.stream(`Write a tale about ${about}.`).toSse();
  }
}
// #endregion

// #region stored
export abstract class Archive {
  abstract save(question: string, answer: string): Promise<void>;
}

@Controller('answers')
export class AnswersController {
  private readonly logger = new Logger('Answers');

  constructor(
    private readonly agent: AgentService,
    private readonly archive: Archive,
  ) {}

  @Sse()
  answer(@Query('question') question: string): Observable<MessageEvent> {
    const stream = this.agent.stream(question);
    void this.store(question, stream.result);
    return stream.toSse();
  }

  private async store(question: string, result: Promise<AgentResult>) {
    try {
      const { output, finishReason } = await result;
      // Neither what a client has left, nor a run that waits for approval.
      if (finishReason === 'stop') await this.archive.save(question, output);
    } catch {
      // It failed, and the client was sent "failed"; or it connected again; or the archive is away.
      this.logger.warn('An answer was not stored.');
    }
  }
}
// #endregion
