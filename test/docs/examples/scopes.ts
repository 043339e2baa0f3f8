import { Injectable, Module } from '@nestjs/common';
import {
  CallbackScope,
  CallbacksModule,
  InjectLlm,
  LlmService,
  OnLlmEnd,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

export const received: string[] = [];

// #region scope
@Injectable()
@CallbackScope('support')
export class SupportAudit {
  @OnLlmEnd()
  record(event: LlmEndEvent) {
    received.push(`scope: ${event.scope}`);
  }
}

@Injectable()
export class Everything {
  @OnLlmEnd()
  record(event: LlmEndEvent) {
    received.push(`global: ${event.scope}`);
  }

  // Takes the place of the class's scope, where there is one.
  @OnLlmEnd({ scope: ['support', 'sales'], order: -1 })
  first(event: LlmEndEvent) {
    received.push(`first: ${event.scope}`);
  }
}
// #endregion

// #region levels
export class Note {
  constructor(private readonly level: string) {}

  @OnLlmEnd()
  record(event: LlmEndEvent) {
    received.push(`${this.level}: ${event.scope}`);
  }
}

@Injectable()
export class Desk {
  constructor(@InjectLlm('support') private readonly llm: LlmService) {}

  answer(question: string) {
    return this.llm.generate(question, { callbacks: [new Note('call')] });
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: model, callbacks: [new Note('listed')] }),
    CallbacksModule.forFeature({ name: 'support', callbacks: [new Note('instance')] }),
    CallbacksModule.forFeature({ name: 'sales' }),
  ],
  providers: [SupportAudit, Everything, Desk],
})
export class AppModule {}
// #endregion
