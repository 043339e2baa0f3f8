import { Injectable } from '@nestjs/common';
import { CallbacksService, Chain, Retrieval } from 'nestjs-llm-callbacks';

/** An application with a chain and a retrieval. */
@Injectable()
export class Desk {
  constructor(private readonly callbacks: CallbacksService) {}

  @Chain('answer') async answer(_ticket: object) {
    await this.callbacks.emit('ticket.opened', { iban: 'DE00' });
    return 'answered';
  }

  @Retrieval({ source: 'docs' }) async find(_query: string) {
    return [{ id: 1, score: 0.9, text: 'Refunds take a day.' }, 'a page'];
  }
}
