import { brand } from '../util/brand.js';
import { OnAnyEvent } from '../handlers/decorators.js';
import { type CallbackEvent, EVENTS } from '../events/event-map.js';
import { Log } from '../util/log.js';
import { fieldsOf, levelOf, type LogFields } from './log-fields.js';
import { LogSample } from './log-sample.js';
import { checkLoggingOptions, type LoggingOptions } from './logging-options.js';

/** The maximum length of each content on a readable line. */
const MAX_PRETTY = 200;

/**
 * Writes one line per run, and per custom event, to Nest's `Logger`: its name, what ran, tokens, cost and duration, how
 * many documents were found or texts embedded, whether a tool call waits for approval, was approved or denied, and by
 * whom. Prompts, answers, arguments, results, error messages and data are written only with `content: true`, and
 * everything is redacted by `forRoot({ redact })`.
 *
 * @example
 * ```ts
 * CallbacksModule.forRoot({ llm, callbacks: [new LoggingCallbacks({ json: true, sample: 0.1 })] });
 * ```
 */
export class LoggingCallbacks {
  static {
    brand(this, 'class:LoggingCallbacks');
  }

  readonly #logger = new Log('LLM');
  readonly #sample: LogSample;

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  /** @throws CallbacksConfigurationError if an option is unknown or wrong */
  constructor(private readonly options: LoggingOptions = {}) {
    checkLoggingOptions(options);
    this.#sample = new LogSample(options.sample);
  }

  @OnAnyEvent({ when: ({ type }) => type !== 'llm.chunk' })
  protected write(event: CallbackEvent): void {
    const bad = levelOf(event);
    // Asked first, so that the decision is made when a tree starts.
    const isSampled = (this.#sample.isAsked || bad === undefined) && this.#sample.has(event);
    if (!this.#isWritten(event) || !(isSampled || bad !== undefined)) return;
    const fields = fieldsOf(event, this.options.content ?? false);
    const level = bad ?? this.options.level ?? 'log';
    if (!this.options.json) return this.#logger.line(level, pretty(event, fields));
    const { event: type, ...rest } = fields;
    this.#logger.fields(level, { event: type, msg: summary(event, fields), ...rest });
  }

  #isWritten({ type }: CallbackEvent): boolean {
    const { content = false, steps = false } = this.options;
    if (type === 'custom') return true;
    if (type === 'agent.step') return steps;
    const { phase } = EVENTS[type];
    return phase === 'end' || phase === 'error' || (content && phase === 'start');
  }
}

/** What ran, and how it ended. */
function summary({ type }: CallbackEvent, fields: LogFields): string {
  const { kind, phase } = EVENTS[type];
  const { name, error, finishReason, cached, step, redacted } = fields;
  const code = error?.['code'];
  const parts = [
    name === undefined ? kind : `${kind} ${name}`,
    phase === 'start' ? 'starts' : undefined,
    redacted,
    step === undefined ? undefined : `step ${step}`,
    approvalText(fields),
    error === undefined
      ? finishReason
      : `${String(error['name'])}${code === undefined ? '' : ` (${String(code)})`}`,
    cached ? 'cached' : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function pretty(event: CallbackEvent, fields: LogFields): string {
  const { documents, texts, steps, toolCalls, usage, cost, durationMs, timeToFirstChunkMs } =
    fields;
  const { attempts = 0, userId, content = {}, error } = fields;
  const message = error?.['message'];
  const parts = [
    summary(event, fields),
    counted(documents, 'document'),
    counted(texts, 'text'),
    counted(steps, 'step'),
    counted(toolCalls || undefined, 'tool call'),
    usage === undefined ? undefined : `${usage.inputTokens} in, ${usage.outputTokens} out`,
    cost === undefined ? undefined : cost === null ? 'price unknown' : `$${cost.toFixed(6)}`,
    durationMs === undefined ? undefined : `${durationMs} ms`,
    timeToFirstChunkMs === undefined ? undefined : `first chunk ${timeToFirstChunkMs} ms`,
    attempts > 1 ? `${attempts} attempts` : undefined,
    userId === undefined ? undefined : `user ${String(userId)}`,
    typeof message === 'string' ? `message ${short(message)}` : undefined,
    ...Object.entries(content).map(([name, text]) => `${name} ${short(text)}`),
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function approvalText({ approval, approver }: LogFields): string | undefined {
  if (approval === undefined) return undefined;
  if (approval === 'pending') return 'waits for approval';
  return approver === undefined ? approval : `${approval} by ${String(approver)}`;
}

function counted(count: number | undefined, what: string): string | undefined {
  return count === undefined ? undefined : `${count} ${what}${count === 1 ? '' : 's'}`;
}

function short(text: string): string {
  return text.length <= MAX_PRETTY ? text : `${text.slice(0, MAX_PRETTY)}…`;
}
