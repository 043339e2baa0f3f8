import { Callbacks, type LlmEndEvent, type LlmStartEvent } from 'nestjs-llm-callbacks';

export class Narrator extends Callbacks {
  readonly lines: string[] = [];

  override onLlmStart(event: LlmStartEvent) {
    this.lines.push(`starting: ${event.prompt}`);
  }

  override async onLlmEnd(event: LlmEndEvent) {
    this.lines.push(`complete: ${event.tokenCount} tokens`);
  }
}
