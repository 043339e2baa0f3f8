import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ForbiddenException } from '@nestjs/common';
import { whoIsAsking } from './who-is-asking.js';

export const ADMIN = 'admin';

/**
 * **No protection**: anybody can send the header. A real application's guard checks who has signed in, and with which
 * role.
 */
export class AdminGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    if (whoIsAsking(host).userId === ADMIN) return true;
    throw new ForbiddenException(`This is for admins: x-user-id: ${ADMIN}.`);
  }
}
