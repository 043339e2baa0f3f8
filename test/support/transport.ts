import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';

/** A transport without a network: the test defines what it delivers and receives. */
export class Transport extends Server implements CustomTransportStrategy {
  listen(callback: () => void): void {
    callback();
  }

  close(): void {}

  on(): void {}

  unwrap(): never {
    return this as never;
  }

  /** The answer to a message, without a subscription yet. */
  async ask(pattern: string, data: unknown, context: object): Promise<Observable<unknown>> {
    const answer: unknown = await this.getHandlerByPattern(pattern)!(data, context);
    return isObservable(answer) ? answer : this.transformToObservable(answer);
  }
}
