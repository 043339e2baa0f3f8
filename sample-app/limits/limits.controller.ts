import {
  Body,
  Controller,
  Delete,
  ForbiddenException,
  Get,
  HttpCode,
  Param,
  Patch,
  UseGuards,
} from '@nestjs/common';
import { ADMIN, AdminGuard } from '../desk/admin.guard.js';
import { User, UserIdPipe } from '../desk/who-is-asking.js';
import { DeskLimits, type LimitChanges, type UserLimits } from './desk-limits.js';
import { LimitChangesPipe } from './limit-changes.pipe.js';

@Controller('limits')
export class LimitsController {
  constructor(private readonly limits: DeskLimits) {}

  @Get(':user')
  of(
    @Param('user', UserIdPipe) user: string,
    @User() asking: string | undefined,
  ): Promise<UserLimits> {
    if (asking === user || asking === ADMIN) return this.limits.of(user);
    throw new ForbiddenException(`These limits are for x-user-id: ${ADMIN}, or for their user.`);
  }

  @Patch()
  @UseGuards(AdminGuard)
  change(@Body(LimitChangesPipe) changes: LimitChanges): Required<LimitChanges> {
    return this.limits.change(changes);
  }

  @Delete(':user')
  @HttpCode(204)
  @UseGuards(AdminGuard)
  reset(@Param('user', UserIdPipe) user: string): Promise<void> {
    return this.limits.reset(user);
  }
}
