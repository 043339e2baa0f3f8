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
 * Gives requests and messages the context that `forRoot({ context })` returns. It is registered as a global
 * interceptor. On Nest 11, global interceptors do not apply to gateways: add it to each gateway. Applying it more than
 * once has no further effect.
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

  /** @internal created by Nest */
  constructor(@Inject(REQUEST_CONTEXTS) private readonly contexts: RequestContexts) {}

  intercept(host: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    return this.contexts.intercept(host, next);
  }
}
