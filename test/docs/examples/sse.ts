import { Controller, Query, Sse, type MessageEvent } from '@nestjs/common';
import { AgentService, LlmService } from 'nestjs-llm-callbacks';
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
  constructor(
    private readonly agent: AgentService,
    private readonly archive: Archive,
  ) {}

  @Sse()
  answer(@Query('question') question: string): Observable<MessageEvent> {
    const stream = this.agent.stream(question);
    stream.result.then(
      ({ output }) => this.archive.save(question, output),
      () => undefined, // the client was sent "failed", or connected again
    );
    return stream.toSse();
  }
}
// #endregion
