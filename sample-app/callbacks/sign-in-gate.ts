import { ForbiddenException, Injectable, Logger } from '@nestjs/common';
import { OnLlmStart, type LlmStartEvent } from 'nestjs-llm-callbacks';
import { line } from '../terminal/line.js';

/** No model is asked for nobody: critical, so its error ends the run before the provider is called. */
@Injectable()
export class SignInGate {
  readonly #logger = new Logger('gate');

  @OnLlmStart({ critical: true, order: -10 })
  check(event: LlmStartEvent): void {
    if (event.userId === undefined) {
      this.#logger.log(line(event, 'refused: nobody is signed in'));
      throw new ForbiddenException('Say who you are by the header x-user-id.');
    }
    this.#logger.log(line(event, `${event.userId} may ask ${event.model}`));
  }
}
