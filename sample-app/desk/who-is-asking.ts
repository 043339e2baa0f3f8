import type { IncomingHttpHeaders } from 'node:http';
import {
  BadRequestException,
  createParamDecorator,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import type { RunContext } from 'nestjs-llm-callbacks';

const USER_ID = /^[\w.@-]{1,64}$/;

/**
 * The user of a request's calls. **This is not authentication**: the client sends the header, and can claim to be
 * anyone, including the admin. It is enough for a sample on one machine. A real application takes the user that its
 * guard has authenticated.
 */
export function whoIsAsking(host: ExecutionContext): RunContext {
  const { headers } = host.switchToHttp().getRequest<{ headers: IncomingHttpHeaders }>();
  const userId = headers['x-user-id'];
  return typeof userId === 'string' && USER_ID.test(userId) ? { userId } : {};
}

/** The user of a request's calls, as a parameter of its handler. */
export const User = createParamDecorator(
  (_: unknown, host: ExecutionContext) => whoIsAsking(host).userId,
);

/** A user that is named in a path. */
export class UserIdPipe implements PipeTransform<string> {
  transform(value: string): string {
    if (USER_ID.test(value)) return value;
    throw new BadRequestException('A user has 1 to 64 letters, digits and . _ @ - in the name.');
  }
}
