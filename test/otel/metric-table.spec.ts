import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Semconv } from 'nestjs-llm-callbacks/otel';
import type { ExportedMetric } from '../support/otel/metrics.js';
import { Telemetry } from '../support/otel/telemetry.js';
import type { Bench } from '../support/wire/index.js';
import { CONVENTION_NAMES } from './convention.js';
import { playScenario } from './scenario.js';

let telemetry: Telemetry;
let bench: Bench;
beforeEach(async () => {
  telemetry = await Telemetry.start();
});
afterEach(async () => {
  await bench.close();
  await telemetry.stop();
});

/** What all series have, or all of a metric. */
const COMMON: ReadonlySet<unknown> = new Set(['127.0.0.1', 'openai', 'function', 'default']);

/** A series in one line: its count (of a histogram), its sum (unless it is a time), and what distinguishes it. */
function linesOf({ name, unit, kind, series }: ExportedMetric): string[] {
  return series.map(({ attributes, count, sum }) => {
    const { 'server.port': _port, ...known } = attributes;
    const labels = Object.entries(known)
      .filter(([, value]) => !COMMON.has(value))
      .map(
        ([key, value]) =>
          `${key.replace(/^(?:gen_ai|nestjs_llm_callbacks)\./, '')}=${String(value)}`,
      );
    const counted = kind === 'histogram' ? [`×${count}`] : [];
    const summed = unit === 's' ? [] : [String(Number(sum.toPrecision(6)))];
    return [name, ...counted, ...summed, ...labels.toSorted()].join(' ');
  });
}

const OPENAI = 'operation.name=chat request.model=gpt-4o-mini response.model=gpt-4o-mini';
/** The call that fell back. */
const CLAUDE =
  'operation.name=chat request.model=gpt-4o-mini response.model=claude-haiku-4-5 response.provider=anthropic';
const ERROR = 'operation.name=chat request.model=gpt-4o-mini';
const EMBEDDED =
  'operation.name=embeddings request.model=text-embedding-3-small response.model=text-embedding-3-small';

/** Nine LLM calls: two of the agent, one retried, one that fell back, one twice by a cache, two streams, one error. */
const LATEST = [
  `gen_ai.client.embeddings.duration ×1 ${EMBEDDED}`,
  `gen_ai.client.embeddings.operation.input_tokens ×1 4 ${EMBEDDED}`,
  `gen_ai.client.inference.duration ×7 ${OPENAI}`,
  `gen_ai.client.inference.duration ×1 ${CLAUDE}`,
  `gen_ai.client.inference.duration ×1 error.type=invalid_request ${ERROR}`,
  // Neither the error nor the answer from the cache has tokens.
  `gen_ai.client.inference.operation.input_tokens ×6 302 ${OPENAI}`,
  `gen_ai.client.inference.operation.input_tokens ×1 60 ${CLAUDE}`,
  `gen_ai.client.inference.operation.output_tokens ×6 40 ${OPENAI}`,
  `gen_ai.client.inference.operation.output_tokens ×1 5 ${CLAUDE}`,
  // Each stream is read up to its first chunk.
  `gen_ai.client.inference.time_to_first_chunk ×2 ${OPENAI}`,
  `gen_ai.client.inference.usage.cache_read.input_tokens 40 ${OPENAI} token.modality=text`,
  `gen_ai.client.inference.usage.cache_read.input_tokens 20 ${CLAUDE} token.modality=text`,
  `gen_ai.client.inference.usage.cache_write.input_tokens 30 ${CLAUDE} token.modality=text`,
  `gen_ai.client.inference.usage.input_tokens 302 ${OPENAI} token.modality=text`,
  `gen_ai.client.inference.usage.input_tokens 60 ${CLAUDE} token.modality=text`,
  `gen_ai.client.inference.usage.input_tokens 0 ${OPENAI} token.modality=unknown`,
  `gen_ai.client.inference.usage.input_tokens 0 ${ERROR} token.modality=unknown`,
  `gen_ai.client.inference.usage.output_tokens 40 ${OPENAI} token.modality=text`,
  `gen_ai.client.inference.usage.output_tokens 5 ${CLAUDE} token.modality=text`,
  `gen_ai.client.inference.usage.output_tokens 0 ${OPENAI} token.modality=unknown`,
  `gen_ai.client.inference.usage.output_tokens 0 ${ERROR} token.modality=unknown`,
  'gen_ai.execute_tool.duration ×1 tool.name=orders',
  'gen_ai.execute_tool.duration ×1 error.type=tool_execution tool.name=parcels',
  'gen_ai.invoke_agent.duration ×1 request.model=gpt-4o-mini',
  'gen_ai.invoke_agent.inference_calls ×1 2',
  'gen_ai.invoke_agent.tool_calls ×1 2',
  'gen_ai.invoke_workflow.duration ×1 workflow.name=answer-ticket',
];

const BEFORE = [
  `gen_ai.client.operation.duration ×7 ${OPENAI}`,
  `gen_ai.client.operation.duration ×1 ${CLAUDE}`,
  `gen_ai.client.operation.duration ×1 error.type=invalid_request ${ERROR}`,
  `gen_ai.client.operation.duration ×1 ${EMBEDDED}`,
  `gen_ai.client.operation.time_to_first_chunk ×2 ${OPENAI}`,
  `gen_ai.client.token.usage ×6 302 ${OPENAI} token.type=input`,
  `gen_ai.client.token.usage ×6 40 ${OPENAI} token.type=output`,
  `gen_ai.client.token.usage ×1 60 ${CLAUDE} token.type=input`,
  `gen_ai.client.token.usage ×1 5 ${CLAUDE} token.type=output`,
  `gen_ai.client.token.usage ×1 4 ${EMBEDDED} token.type=input`,
];

const ALWAYS = [
  'gen_ai.client.operation.duration ×1 operation.name=retrieval provider.name=_OTHER',
  `nestjs_llm_callbacks.cost 0.0000663 ${OPENAI}`,
  `nestjs_llm_callbacks.cost 0.0000745 ${CLAUDE}`,
  `nestjs_llm_callbacks.cost 8e-8 ${EMBEDDED}`,
];

const TABLES: Readonly<Record<Semconv, readonly string[]>> = {
  latest: [...LATEST, ...ALWAYS],
  'v1.41': [...BEFORE, ...ALWAYS],
  both: [...LATEST, ...BEFORE, ...ALWAYS],
};

describe.each<Semconv>(['latest', 'v1.41', 'both'])(
  'The metrics of the scenario in %s',
  (semconv) => {
    it('are those of the table', async () => {
      bench = await playScenario({ semconv, content: 'both' });
      const metrics = (await telemetry.metrics()).filter(({ name }) => !name.includes('handler'));
      expect(metrics.flatMap(linesOf).toSorted()).toEqual(TABLES[semconv].toSorted());
      const names = metrics.map(({ name }) => name).filter((name) => name.startsWith('gen_ai'));
      expect(names.filter((name) => !CONVENTION_NAMES.has(name))).toEqual([]);
    });
  },
);
