import { Injectable } from '@nestjs/common';
import { BindContext, type Bind, type CallbackEvent } from 'nestjs-llm-callbacks';
import { ClsService } from 'nestjs-cls';

@Injectable()
export class RunInCls {
  constructor(private readonly cls: ClsService<{ runId: string; userId?: string | undefined }>) {}

  @BindContext()
  bind({ runId, userId }: CallbackEvent): Bind {
    return (work) =>
      // A copy of what the request has set, so that parallel runs do not share it.
      this.cls.run({ ifNested: 'inherit' }, () => {
        this.cls.set('runId', runId);
        if (userId !== undefined) this.cls.set('userId', userId);
        return work();
      });
  }
}
