import { Controller, Injectable, Sse, type MessageEvent } from '@nestjs/common';
import {
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  OnLlmStreamChunk,
  type LlmEndEvent,
  type LlmErrorEvent,
  type LlmStartEvent,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';
import { map, Subject, type Observable } from 'rxjs';

export interface Progress {
  runId: string;
  status: 'started' | 'in_progress' | 'complete' | 'failed';
  pieces?: number;
  error?: string;
}

@Injectable()
export class ProgressFeed {
  readonly updates = new Subject<Progress>();

  @OnLlmStart()
  started({ runId }: LlmStartEvent) {
    this.updates.next({ runId, status: 'started' });
  }

  @OnLlmStreamChunk({ when: ({ index }) => index % 10 === 0 })
  inProgress({ runId, index }: LlmStreamChunkEvent) {
    this.updates.next({ runId, status: 'in_progress', pieces: index + 1 });
  }

  @OnLlmEnd()
  complete({ runId }: LlmEndEvent) {
    this.updates.next({ runId, status: 'complete' });
  }

  @OnLlmError()
  failed({ runId, error }: LlmErrorEvent) {
    this.updates.next({ runId, status: 'failed', error: error.message });
  }
}

@Controller('progress')
export class ProgressController {
  constructor(private readonly feed: ProgressFeed) {}

  @Sse()
  watch(): Observable<MessageEvent> {
    return this.feed.updates.pipe(map((data) => ({ data })));
  }
}
