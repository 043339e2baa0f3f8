import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

export interface Order {
  id: string;
  item: string;
  /** US dollars. */
  total: number;
  /** Refunds to the customer, in US dollars. */
  refunded: number;
}

export interface Parcel {
  orderId: string;
  /** The parcel's state, as text for the customer. */
  whereabouts: string;
}

/** How long the shop's database and the carrier take to answer, in milliseconds. */
const DATABASE_MS = 80;
const CARRIER_MS = 320;

/** Simulates the shop's database and its carrier; its data is lost when the desk closes. */
@Injectable()
export class OrderBook {
  readonly #orders = new Map<string, Order>();
  readonly #parcels = new Map<string, Parcel>();
  /** By call, so that a repeated call pays only once. */
  readonly #refunds = new Map<string, Order>();

  constructor() {
    this.#add('1042', 'alarm clock', 39.9, 'is on its way and arrives on Friday');
    this.#add('1043', 'desk lamp', 129, 'was delivered last Monday');
    this.#add('1044', 'light bulb', 12.5, 'was delivered yesterday');
    this.#add('1045', 'coffee mill', 89, 'was delivered on Tuesday');
  }

  async find(id: string, signal: AbortSignal): Promise<Order> {
    await setTimeout(DATABASE_MS, undefined, { signal });
    return this.#get(this.#orders, id);
  }

  async track(id: string, signal: AbortSignal): Promise<Parcel> {
    await setTimeout(CARRIER_MS, undefined, { signal });
    return this.#get(this.#parcels, id);
  }

  /** @param callId identifies repeated calls of the same refund */
  refund(id: string, amount: number, callId: string): Order {
    const paid = this.#refunds.get(callId);
    if (paid) return paid;
    const order = this.#get(this.#orders, id);
    if (order.refunded + amount > order.total) {
      throw new Error(`Order ${id} has only ${order.total - order.refunded} dollars to refund.`);
    }
    const after = { ...order, refunded: order.refunded + amount };
    this.#orders.set(id, after);
    this.#refunds.set(callId, after);
    return after;
  }

  #add(id: string, item: string, total: number, whereabouts: string): void {
    this.#orders.set(id, { id, item, total, refunded: 0 });
    this.#parcels.set(id, { orderId: id, whereabouts });
  }

  #get<T>(all: ReadonlyMap<string, T>, id: string): T {
    const found = all.get(id);
    if (found === undefined) throw new Error(`There is no order ${id}.`);
    return found;
  }
}
