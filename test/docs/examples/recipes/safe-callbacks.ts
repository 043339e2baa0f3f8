import { Injectable } from '@nestjs/common';
import {
  OnCallbackError,
  OnLlmStart,
  type CallbackErrorEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';

export abstract class ExternalService {
  abstract log(model: string | undefined): Promise<void>;
}

@Injectable()
export class ExternalLog {
  constructor(private readonly service: ExternalService) {}

  // No try/catch: when this throws, the run goes on, and the error is logged.
  @OnLlmStart()
  async log(event: LlmStartEvent) {
    await this.service.log(event.model);
  }
}

@Injectable()
export class Alarms {
  readonly raised: string[] = [];

  @OnCallbackError()
  raise({ handler, event, error }: CallbackErrorEvent) {
    this.raised.push(`${handler} failed on ${event.type}: ${String(error)}`);
  }
}
