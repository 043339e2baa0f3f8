import { Controller, Get, Injectable, Scope } from '@nestjs/common';
import { LlmService, OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';

@Injectable({ scope: Scope.REQUEST })
export class Bill {
  tokens = 0;
}

// Request-scoped, because its bill is.
@Injectable()
export class BillKeeper {
  constructor(private readonly bill: Bill) {}

  @OnLlmEnd()
  add(event: LlmEndEvent) {
    this.bill.tokens += event.tokenCount;
  }
}

@Controller()
export class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly bill: Bill,
  ) {}

  @Get()
  async ask() {
    const { text } = await this.llm.generate('How are you?');
    return { text, tokens: this.bill.tokens };
  }
}
