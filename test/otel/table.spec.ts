import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Semconv } from 'nestjs-llm-callbacks/otel';
import type { ExportedSpan } from '../support/otel/collector.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { treeOf } from '../support/otel/tree.js';
import type { Bench } from '../support/wire/index.js';
import { playScenario } from './scenario.js';
import { measured, type Row, RUN_ID, table } from './table.js';

let telemetry: Telemetry;
let bench: Bench;
beforeEach(async () => {
  telemetry = await Telemetry.start();
});
afterEach(async () => {
  await bench.close();
  await telemetry.stop();
});

/** The rows of exported spans, in the order of the tree. */
function rowsOf(spans: readonly ExportedSpan[]): Row[] {
  const lines = treeOf(spans);
  const depthOf = (span: ExportedSpan): number => {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    return parent === undefined ? 0 : depthOf(parent) + 1;
  };
  expect(lines).toHaveLength(spans.length);
  const ordered: ExportedSpan[] = [];
  const visit = (parent: string | undefined): void => {
    for (const span of spans) {
      if (span.parentSpanId !== parent) continue;
      ordered.push(span);
      visit(span.spanId);
    }
  };
  visit(undefined);
  return ordered.map((span) => ({
    name: '  '.repeat(depthOf(span)) + span.name,
    kind: span.kind as Row['kind'],
    attributes: measured(span.attributes),
    ...(span.events.length > 0 && {
      events: span.events.map(({ name, attributes }) => {
        const known = measured(attributes);
        return { name, ...(Object.keys(known).length > 0 && { attributes: known }) };
      }),
    }),
    ...(span.status.code !== 'UNSET' && {
      status: { code: span.status.code, message: span.status.message ?? '' },
    }),
  }));
}

describe.each<Semconv>(['latest', 'v1.41', 'both'])('The conventions: %s', (semconv) => {
  it('are those of the table', async () => {
    bench = await playScenario({ semconv, content: 'none' });
    const spans = await telemetry.spans();
    expect(rowsOf(spans)).toEqual(table(semconv));
    expect(new Set(spans.map(({ scope, schemaUrl }) => [scope.name, schemaUrl].join(' ')))).toEqual(
      new Set([
        `nestjs-llm-callbacks ${semconv === 'v1.41' ? 'https://opentelemetry.io/schemas/1.41.0' : ''}`,
      ]),
    );
    expect(new Set(spans.map(({ attributes }) => attributes[RUN_ID])).size).toBe(spans.length);
    expect(telemetry.collector.bodies.join('\n')).not.toMatch(/secret-[12]|DE00|Sum up/);
  });
});
