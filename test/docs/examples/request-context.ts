import { Injectable, type ExecutionContext } from '@nestjs/common';
import { CallbacksModule, CallbacksService, LlmService } from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region http
interface SignedInRequest {
  user?: { id: string; tenant: string };
}

export const withUsers = CallbacksModule.forRoot({
  llm: model,
  context: (host: ExecutionContext) => {
    const { user } = host.switchToHttp().getRequest<SignedInRequest>();
    return { userId: user?.id, tenantId: user?.tenant };
  },
});
// #endregion

// #region job
@Injectable()
export class NightlyReport {
  constructor(
    private readonly callbacks: CallbacksService,
    private readonly llm: LlmService,
  ) {}

  async write(owner: string) {
    return this.callbacks.run({ userId: owner, tags: ['nightly'] }, () =>
      this.llm.generate('Write the report.', { metadata: { part: 1 } }),
    );
  }
}
// #endregion
