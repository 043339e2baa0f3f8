import { excessOf, MAX_CHECKED_DEPTH, MAX_SCHEMA_NODES, type Excess } from '../util/bounds.js';

const SCHEMA_EXCESS: Record<Excess, string> = {
  deep: `it is nested more than ${MAX_CHECKED_DEPTH} levels deep, or holds itself: write recursion as $ref`,
  large: `it holds more than ${MAX_SCHEMA_NODES} values: write what is repeated once, as $defs, and refer to it by $ref`,
  unreadable: 'one of its getters throws',
};

/** Why recursive code cannot walk a schema; `undefined` if it can. */
export function schemaExcess(schema: unknown): string | undefined {
  const excess = excessOf(schema, { depth: MAX_CHECKED_DEPTH, nodes: MAX_SCHEMA_NODES });
  return excess && SCHEMA_EXCESS[excess];
}
