import type { CallbackEvent } from 'nestjs-llm-callbacks';
import type { HelpText } from '../agent/help-texts.js';

/** The progress of one step of a ticket. */
export interface Progress {
  /** A later entry with the same id replaces this one. */
  id: string;
  kind: 'retrieval' | 'turn' | 'tool';
  title: string;
  status: 'running' | 'waiting' | 'done' | 'failed' | 'denied';
  detail?: string;
  durationMs?: number;
  tokens?: number;
  /** US dollars; `null` if the price is unknown. */
  cost?: number | null;
}

/** A page shows an excerpt, not the whole text. */
const MAX_DETAIL = 300;

/** The progress entry for an event; most events have none. */
export function toProgress(event: CallbackEvent): Progress | undefined {
  switch (event.type) {
    case 'retrieval.start':
    case 'retrieval.end':
    case 'retrieval.error': {
      const title = event.source ?? 'search';
      return { id: event.runId, kind: 'retrieval', title, ...outcomeOf(event) };
    }
    case 'llm.start':
    case 'llm.end':
    case 'llm.error':
      return { id: event.runId, kind: 'turn', title: event.model ?? 'model', ...outcomeOf(event) };
    case 'tool.start':
    case 'tool.end':
    case 'tool.error':
      // A pending call continues as a new run, but it is the same call.
      return { id: event.toolCallId, kind: 'tool', title: event.toolName, ...outcomeOf(event) };
    default:
      return undefined;
  }
}

type Outcome = Omit<Progress, 'id' | 'kind' | 'title'>;
type Shown = Extract<
  CallbackEvent,
  { type: `${'retrieval' | 'llm' | 'tool'}.${'start' | 'end' | 'error'}` }
>;

function outcomeOf(event: Shown): Outcome {
  switch (event.type) {
    case 'retrieval.start':
    case 'llm.start':
      return { status: 'running' };
    case 'tool.start':
      return { status: 'running', detail: glimpse(event.args) };
    case 'retrieval.end':
      return { status: 'done', durationMs: event.durationMs, detail: titlesOf(event.documents) };
    case 'llm.end': {
      const { durationMs, tokenCount: tokens, cost } = event;
      return { status: 'done', durationMs, tokens, cost };
    }
    case 'tool.end':
      return event.approval?.status === 'pending'
        ? { status: 'waiting', detail: glimpse(event.args) }
        : { status: 'done', durationMs: event.durationMs, detail: glimpse(event.result) };
    case 'retrieval.error':
    case 'llm.error':
      return failureOf(event);
    case 'tool.error':
      return event.approval?.status === 'denied'
        ? { ...failureOf(event), status: 'denied' }
        : failureOf(event);
  }
}

function failureOf({ error, durationMs }: { error: Error; durationMs: number }): Outcome {
  return { status: 'failed', durationMs, detail: glimpse(error.message) };
}

function titlesOf(documents: unknown): string {
  return glimpse((documents as HelpText[]).map(({ title }) => title).join(', ') || 'nothing fits');
}

/** Arguments and results of tools, one field after the other. */
function glimpse(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : Object.entries(Object(value) as object)
          .map(toField)
          .join(', ');
  return text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)} …` : text;
}

function toField([key, value]: [string, unknown]): string {
  return `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
