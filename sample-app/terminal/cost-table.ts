import type { CostEntry, CostSnapshot } from 'nestjs-llm-callbacks';
import { dollars } from './line.js';

/** Costs by model and by user, in columns. */
export function costTable(costs: CostSnapshot): string {
  const total = { cost: costs.totalCost, tokens: costs.totalTokens, requests: costs.requestCount };
  return [
    row('model', 'calls', 'tokens', 'cost'),
    ...Object.entries(costs.byModel).map(entryRow),
    '',
    row('user', 'calls', 'tokens', 'cost'),
    ...Object.entries(costs.byUser).map(entryRow),
    '',
    entryRow(['together', total]),
  ].join('\n');
}

function entryRow([name, entry]: [string, Omit<CostEntry, 'unpriced'>]): string {
  return row(name, String(entry.requests), String(entry.tokens), dollars(entry.cost));
}

function row(name: string, calls: string, tokens: string, cost: string): string {
  return `     ${name.padEnd(18)}${calls.padStart(6)}${tokens.padStart(9)}${cost.padStart(12)}`;
}
