import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { DeskTelemetry } from './desk-telemetry.js';

/** What Prometheus scrapes. In your application, keep it from strangers. */
@Controller('metrics')
export class MetricsController {
  constructor(private readonly telemetry: DeskTelemetry) {}

  @Get()
  scrape(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.telemetry.scrape(request, response);
  }
}
