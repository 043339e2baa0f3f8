import type { Attributes } from '@opentelemetry/api';
import type { CallbackEvent } from '../events/event-map.js';
import { agentNameOf, modelAttributes } from './attributes.js';
import { BoundedNames, OTHER } from './bounded-names.js';
import { errorType, isDenied } from './end-attributes.js';
import { ATTR, OPERATIONS } from './names.js';
import type { RunTelemetry } from './run-telemetry.js';
import { defined } from './values.js';

/** Attributes whose values this package knows; all others come from callers, servers and models. */
const CLOSED: ReadonlySet<string> = new Set([
  ATTR.operationName,
  ATTR.tokenModality,
  ATTR.tokenType,
  ATTR.toolType,
  ATTR.serverPort,
]);

/** The attributes of metrics: of few values, and never of a user or a tenant. */
export class MetricAttributes {
  readonly #names = new Map<string, BoundedNames>();

  /** Without absent values, and with bounded names. */
  bounded(attributes: Attributes): Attributes {
    const present = defined(attributes);
    for (const [key, value] of Object.entries(present)) {
      if (typeof value === 'string' && !CLOSED.has(key))
        present[key] = this.#boundedName(key, value);
    }
    return present;
  }

  /** Those of a call, known when it starts. */
  ofCall(run: RunTelemetry): Attributes {
    const { start } = run;
    if (run.metricAttributes !== undefined) return run.metricAttributes;
    const isLlm = start.type === 'llm.start';
    const known = isLlm || start.type === 'embedding.start' ? modelAttributes(start) : {};
    const operation = isLlm ? OPERATIONS.llm : OPERATIONS.embedding;
    return (run.metricAttributes = this.bounded({ [ATTR.operationName]: operation, ...known }));
  }

  /** Those of an agent. */
  ofAgent({ start }: RunTelemetry): Attributes {
    if (start.type !== 'agent.start') return {};
    return this.bounded({ [ATTR.agentName]: start.agentName, [ATTR.requestModel]: start.model });
  }

  /** Those of a tool. Models make up names; those that an agent does not offer are not counted apart. */
  ofTool({ start, agent }: RunTelemetry): Attributes {
    if (start.type !== 'tool.start') return {};
    const { toolName } = start;
    const offered = agent?.start.type === 'agent.start' ? agent.start.tools : undefined;
    const isKnown = offered === undefined || offered.some(({ name }) => name === toolName);
    return this.bounded({
      [ATTR.toolName]: isKnown ? toolName : OTHER,
      [ATTR.toolType]: 'function',
      [ATTR.agentName]: agentNameOf(agent),
    });
  }

  /** That of a run that failed; a tool call that a person denied did not. */
  ofError(event: CallbackEvent): Attributes {
    if (!('error' in event) || isDenied(event)) return {};
    return this.bounded({ [ATTR.errorType]: errorType(event.error) });
  }

  #boundedName(key: string, value: string): string {
    let names = this.#names.get(key);
    if (names === undefined) this.#names.set(key, (names = new BoundedNames()));
    return names.of(value);
  }
}
