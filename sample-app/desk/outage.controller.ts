import { Body, ConflictException, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ModelConnections } from '../models/model-connections.js';
import { AdminGuard } from './admin.guard.js';
import { OutagePipe, type Outage } from './outage.pipe.js';

/** For demonstrations only: no real application fails on request. */
@Controller('outage')
@UseGuards(AdminGuard)
export class OutageController {
  constructor(private readonly models: ModelConnections) {}

  @Post()
  @HttpCode(200)
  begin(@Body(OutagePipe) outage: Outage): Outage {
    const { client, calls } = outage;
    if (this.models.fail(client, calls)) return outage;
    throw new ConflictException(`The model of "${client}" is asked itself: no mock can fail.`);
  }
}
