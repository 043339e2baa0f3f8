import { Logger } from '@nestjs/common';
import { OnAnyEvent } from '../decorators/index.js';
import { describeError } from '../errors/index.js';
import { toJsonText, type CallbackEvent } from '../events/index.js';
import { oneLine } from '../text.js';

export interface LoggingOptions {
  /** One readable line a run; the default. */
  pretty?: boolean;
  /** One JSON object a run, for log collectors. */
  json?: boolean;
  /**
   * The level of runs that went well; failed ones are errors, aborted ones warnings.
   * @default 'log'
   */
  level?: 'log' | 'debug' | 'verbose';
}

type Fields = Record<string, string | number | boolean | null | undefined>;

/**
 * Writes one line a run to Nest's `Logger`: what ran, tokens, cost and duration, how many documents were found; never
 * prompts, answers, arguments, inputs, results or the documents themselves.
 */
export class LoggingCallbacks {
  readonly #logger = new Logger('LLM');

  // Not @Injectable(): Nest would look for the options, and have the mocker of a test make some up.
  constructor(private readonly options: LoggingOptions = {}) {}

  @OnAnyEvent({ when: ({ type }) => /\.(end|error)$/.test(type) && type !== 'callback.error' })
  protected write(event: CallbackEvent): void {
    const fields = {
      type: event.type,
      ...factsOf(event),
      runId: event.runId,
      userId: event.userId,
    };
    const line = oneLine(this.options.json ? toJsonText(fields) : pretty(event, fields));
    if (!event.type.endsWith('.error')) this.#logger[this.options.level ?? 'log'](line);
    else if ('aborted' in event && event.aborted) this.#logger.warn(line);
    else this.#logger.error(line);
  }
}

/** What a terminal event says in numbers and names. */
function factsOf(event: CallbackEvent): Fields {
  const name = nameOf(event);
  const failure =
    'error' in event && event.error instanceof Error ? describeError(event.error) : undefined;
  return {
    ...(name !== undefined && { name }),
    ...('usage' in event && {
      inputTokens: event.usage.inputTokens,
      outputTokens: event.usage.outputTokens,
    }),
    ...('cost' in event && { cost: event.cost }),
    ...('durationMs' in event && { durationMs: Math.round(event.durationMs) }),
    ...('timeToFirstChunkMs' in event && { timeToFirstChunkMs: round(event.timeToFirstChunkMs) }),
    ...('finishReason' in event && { finishReason: event.finishReason }),
    ...('documents' in event &&
      Array.isArray(event.documents) && { documents: event.documents.length }),
    ...('attempts' in event && { attempts: event.attempts.length }),
    ...('steps' in event && { steps: event.steps.length }),
    ...(failure && { error: failure.name, code: failure.code }),
  };
}

function nameOf(event: CallbackEvent): string | undefined {
  if ('toolName' in event) return event.toolName;
  if ('chainName' in event) return event.chainName;
  if ('source' in event) return event.source;
  if ('agentName' in event && event.agentName !== undefined) return event.agentName;
  return event.provider === undefined ? event.scope : `${event.provider}/${event.model}`;
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}

function pretty({ type }: CallbackEvent, fields: Fields): string {
  const [kind] = type.split('.');
  const {
    name,
    inputTokens,
    outputTokens,
    cost,
    durationMs,
    timeToFirstChunkMs,
    finishReason,
    documents,
    steps,
    error,
    code,
  } = fields;
  const parts = [
    name === undefined ? kind : `${kind} ${name}`,
    error === undefined ? finishReason : `${error}${code ? ` (${code})` : ''}`,
    documents === undefined ? undefined : `${documents} documents`,
    steps === undefined ? undefined : `${steps} steps`,
    inputTokens === undefined ? undefined : `${inputTokens} in, ${outputTokens} out`,
    cost === undefined
      ? undefined
      : cost === null
        ? 'price unknown'
        : `$${Number(cost).toFixed(6)}`,
    `${durationMs} ms`,
    timeToFirstChunkMs === undefined ? undefined : `first chunk ${timeToFirstChunkMs} ms`,
    fields['attempts'] !== undefined && Number(fields['attempts']) > 1
      ? `${fields['attempts']} attempts`
      : undefined,
    fields['userId'] === undefined ? undefined : `user ${fields['userId']}`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
