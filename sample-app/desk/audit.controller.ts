import { Controller, Get } from '@nestjs/common';
import { AuditLog, type AuditEntry } from '../callbacks/audit-log.js';

@Controller('audit')
export class AuditController {
  constructor(private readonly audit: AuditLog) {}

  @Get()
  entries(): readonly AuditEntry[] {
    return this.audit.entries;
  }
}
