import { Injectable, Logger } from '@nestjs/common';
import {
  OnAgentEnd,
  OnAgentStep,
  OnRetrievalEnd,
  OnToolEnd,
  OnToolError,
  OnToolStart,
  type AgentEndEvent,
  type AgentStepEvent,
  type RetrievalEndEvent,
  type ToolEndEvent,
  type ToolErrorEvent,
  type ToolStartEvent,
} from 'nestjs-llm-callbacks';
import { dollars, line, milliseconds, tokensOf } from '../terminal/line.js';

/** Prints what the agent does: its tool calls, pending approvals, and its cost. */
@Injectable()
export class AgentPrinter {
  readonly #logger = new Logger('agent');

  @OnRetrievalEnd()
  found(event: RetrievalEndEvent): void {
    const { source, documents, durationMs } = event;
    const count = Array.isArray(documents) ? documents.length : 0;
    this.#print(event, `${source}: ${count} found in ${milliseconds(durationMs)}`);
  }

  @OnToolStart()
  begun(event: ToolStartEvent): void {
    const { toolName, approval } = event;
    const by = approval?.approver === undefined ? '' : ` by ${approval.approver}`;
    this.#print(event, approval ? `${toolName}, ${approval.status}${by}` : toolName);
  }

  @OnToolEnd()
  done(event: ToolEndEvent): void {
    const { toolName, approval, durationMs } = event;
    const outcome =
      approval?.status === 'pending' ? 'waits for a colleague' : `took ${milliseconds(durationMs)}`;
    this.#print(event, `${toolName} ${outcome}`);
  }

  @OnToolError()
  failed(event: ToolErrorEvent): void {
    const { toolName, approval } = event;
    // Not the message, which may contain text of a customer or a model.
    const outcome = approval?.status === 'denied' ? 'was denied' : 'failed, and the model is told';
    this.#print(event, `${toolName} ${outcome}`);
  }

  @OnAgentStep()
  turned(event: AgentStepEvent): void {
    const { index, toolCalls, cost } = event.step;
    const made =
      toolCalls.length === 0 ? 'answers' : toolCalls.map(({ name }) => name).join(' and ');
    this.#print(event, `turn ${index + 1}: ${made}, ${dollars(cost)}`);
  }

  @OnAgentEnd()
  ended(event: AgentEndEvent): void {
    const { steps, usage, cost, result } = event;
    const outcome = result.pending ? 'stops and waits' : `is done in ${steps.length} turns`;
    this.#print(event, `${outcome}, ${tokensOf(usage)}, ${dollars(cost)}`);
  }

  #print(event: Parameters<typeof line>[0], text: string): void {
    this.#logger.log(line(event, text));
  }
}
