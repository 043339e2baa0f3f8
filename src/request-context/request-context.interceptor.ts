import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { brand } from '../util/brand.js';
import { REQUEST_CONTEXTS, type RequestContexts } from './request-contexts.js';

/**
 * Gives requests and messages the context that `forRoot({ context })` describes. It is a global interceptor, so that an
 * application need not name it, but for gateways on Nest 11, which has no global ones for them. More than once is once.
 *
 * @example
 * ```ts
 * // above the class of the gateway: @UseInterceptors(RequestContextInterceptor)
 * ```
 */
@Injectable()
export class RequestContextInterceptor implements NestInterceptor {
  static {
    brand(this, 'class:RequestContextInterceptor');
  }

  /** @internal made by Nest */
  constructor(@Inject(REQUEST_CONTEXTS) private readonly contexts: RequestContexts) {}

  intercept(host: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    return this.contexts.intercept(host, next);
  }
}
