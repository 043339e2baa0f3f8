import { Injectable } from '@nestjs/common';
import { Tool, type ToolContext } from 'nestjs-llm-callbacks';
import { z } from 'zod';
import { OrderBook, type Order, type Parcel } from './order-book.js';

/** US dollars; a colleague must approve more. */
export const REFUND_LIMIT = 50;

const OrderReference = z.object({ orderId: z.string().describe('The number of the order.') });
const Refund = OrderReference.extend({
  amount: z.number().positive().describe('What the customer gets back, in US dollars.'),
});

/** The tools of the agent. */
@Injectable()
export class OrderTools {
  constructor(private readonly orders: OrderBook) {}

  @Tool({
    description: 'Says what an order is, what it cost and how much of that was refunded.',
    parameters: OrderReference,
  })
  findOrder({ orderId }: z.infer<typeof OrderReference>, { signal }: ToolContext): Promise<Order> {
    return this.orders.find(orderId, signal);
  }

  @Tool({
    description: 'Asks the carrier where the parcel of an order is, and when it arrives.',
    parameters: OrderReference,
    timeoutMs: 5_000,
  })
  trackParcel(
    { orderId }: z.infer<typeof OrderReference>,
    { signal }: ToolContext,
  ): Promise<Parcel> {
    return this.orders.track(orderId, signal);
  }

  @Tool({
    description: 'Pays money back to the card that an order was paid with. Find the order first.',
    parameters: Refund,
    needsApproval: ({ amount }) => amount > REFUND_LIMIT,
  })
  refund({ orderId, amount }: z.infer<typeof Refund>, { toolCallId }: ToolContext): Order {
    return this.orders.refund(orderId, amount, toolCallId);
  }
}
