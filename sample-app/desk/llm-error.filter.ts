import {
  BadGatewayException,
  Catch,
  GatewayTimeoutException,
  HttpException,
  ServiceUnavailableException,
  type ArgumentsHost,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { CallbacksError } from 'nestjs-llm-callbacks';

/** Says a failed call in terms of HTTP; the provider's own words stay in `error.cause`. */
@Catch(CallbacksError)
export class LlmErrorFilter extends BaseExceptionFilter {
  override catch(error: CallbacksError, host: ArgumentsHost): void {
    // oxlint-disable-next-line promise/valid-params -- the filter's catch, not a promise's
    super.catch(toHttp(error), host);
  }
}

function toHttp(error: CallbacksError): HttpException {
  const { message, code } = error;
  if (code === 'timeout') return new GatewayTimeoutException(message);
  if (error.retryable) return new ServiceUnavailableException(message);
  return new BadGatewayException(message);
}
