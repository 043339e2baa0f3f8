import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ForbiddenException } from '@nestjs/common';
import { whoIsAsking } from './who-is-asking.js';

/** A header is enough for a sample; a real application's guard checks who has signed in, and with which role. */
export class SignedInGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    if (whoIsAsking(host).userId !== undefined) return true;
    throw new ForbiddenException('Say who you are by the header x-user-id.');
  }
}
