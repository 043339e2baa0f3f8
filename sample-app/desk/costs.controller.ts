import { Controller, Get } from '@nestjs/common';
import { CostTracker, type CostSnapshot } from 'nestjs-llm-callbacks';

@Controller('costs')
export class CostsController {
  constructor(private readonly costs: CostTracker) {}

  @Get()
  soFar(): CostSnapshot {
    return this.costs.snapshot();
  }
}
