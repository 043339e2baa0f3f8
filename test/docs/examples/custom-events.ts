import { Injectable } from '@nestjs/common';
import {
  CallbacksService,
  OnCustomEvent,
  Tool,
  type CustomCallbackEvent,
} from 'nestjs-llm-callbacks';

// #region custom
@Injectable()
export class Refunds {
  constructor(private readonly callbacks: CallbacksService) {}

  @Tool({
    description: 'Pays an order back.',
    parameters: { type: 'object', properties: { orderId: { type: 'string' } } },
  })
  async refund({ orderId }: { orderId: string }) {
    await this.callbacks.emit('refund.paid', { orderId });
    return 'Paid back.';
  }
}

@Injectable()
export class RefundLog {
  readonly lines: string[] = [];

  // In the tool's run: its ids, user and tenant are those of the call.
  @OnCustomEvent('refund.paid')
  paid({ data, userId }: CustomCallbackEvent) {
    this.lines.push(`${(data as { orderId: string }).orderId} for ${userId}`);
  }
}
// #endregion
