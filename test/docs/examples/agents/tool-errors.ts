import { Injectable } from '@nestjs/common';
import { Tool, ToolExecutionError } from 'nestjs-llm-callbacks';
import { z } from 'zod';

export abstract class Stock {
  abstract readonly isDown: boolean;
  abstract count(article: string): number | undefined;
}

// #region tool
@Injectable()
export class StockTools {
  constructor(private readonly stock: Stock) {}

  @Tool({ description: 'How many are left.', parameters: z.object({ article: z.string() }) })
  countStock({ article }: { article: string }) {
    if (this.stock.isDown) {
      // Ends the agent: its caller gets this error.
      throw new ToolExecutionError('The stock system is down.', { fatal: true });
    }
    const count = this.stock.count(article);
    // The model reads this, and may try again.
    if (count === undefined) throw new Error(`There is no article "${article}".`);
    return count;
  }
}
// #endregion
