import { ForbiddenException, Injectable, Logger } from '@nestjs/common';
import {
  OnAgentStart,
  OnLlmStart,
  type AgentStartEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { line } from '../terminal/line.js';

/** Rejects runs without a user. Critical, so its error fails the run before any model or tool is called. */
@Injectable()
export class SignInGate {
  readonly #logger = new Logger('gate');

  @OnAgentStart({ critical: true, order: -10 })
  @OnLlmStart({ critical: true, order: -10 })
  check(event: AgentStartEvent | LlmStartEvent): void {
    if (event.userId === undefined) {
      this.#logger.log(line(event, 'refused: nobody is signed in'));
      throw new ForbiddenException('Say who you are by the header x-user-id.');
    }
    const isTurnOfAgent = event.type === 'llm.start' && event.parentRunId !== undefined;
    if (!isTurnOfAgent) this.#logger.log(line(event, `${event.userId} may ask ${event.model}`));
  }
}
