import { Injectable, Logger } from '@nestjs/common';
import {
  OnAgentEnd,
  OnAgentError,
  OnAgentStep,
  OnToolError,
  type AgentEndEvent,
  type AgentErrorEvent,
  type AgentStepEvent,
  type ToolErrorEvent,
} from 'nestjs-llm-callbacks';

// #region monitor
@Injectable()
export class AgentMonitor {
  readonly #logger = new Logger('Agent');

  @OnAgentStep()
  turn({ step }: AgentStepEvent) {
    const tools = step.toolCalls.map(({ name }) => name);
    this.#logger.log(`turn ${step.index + 1}: ${tools.join(', ') || 'answers'}`);
  }

  @OnToolError()
  toolFailed({ toolName, error }: ToolErrorEvent) {
    this.#logger.warn(`${toolName}: ${error.name}`);
  }

  @OnAgentEnd()
  @OnAgentError()
  done({ type, steps, usage }: AgentEndEvent | AgentErrorEvent) {
    this.#logger.log(`${type} after ${steps.length} turns and ${usage.totalTokens} tokens`);
  }
}
// #endregion
