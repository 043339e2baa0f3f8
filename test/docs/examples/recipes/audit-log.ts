import { Injectable } from '@nestjs/common';
import {
  OnLlmStart,
  OnToolStart,
  type LlmStartEvent,
  type ToolStartEvent,
} from 'nestjs-llm-callbacks';

export abstract class AuditStore {
  abstract insert(row: Record<string, unknown>): Promise<void>;
}

@Injectable()
export class AuditLog {
  constructor(private readonly store: AuditStore) {}

  // Critical: a call that cannot be recorded is not made.
  @OnLlmStart({ critical: true })
  async llmRequest(event: LlmStartEvent) {
    await this.store.insert({
      event: 'llm_request',
      timestamp: new Date(event.timestamp).toISOString(),
      requestId: event.requestId,
      userId: event.userId,
      provider: event.provider,
      model: event.model,
      promptPreview: event.prompt.slice(0, 100), // what users write: leave it out if you can
    });
  }

  // The tool is not called either, and the model receives "refused".
  @OnToolStart({ critical: true })
  async toolCall(event: ToolStartEvent) {
    await this.store.insert({
      event: 'tool_call',
      timestamp: new Date(event.timestamp).toISOString(),
      tool: event.toolName,
      args: event.args,
    });
  }
}
