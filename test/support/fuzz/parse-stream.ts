import { createParser } from 'eventsource-parser';
import type { FuzzEvent } from './mutate-stream.js';

/** The events of a stream's text. */
export function parseStream(text: string): FuzzEvent[] {
  const events: FuzzEvent[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => events.push(toEvent(event, data)) });
  parser.feed(text);
  return events;
}

function toEvent(name: string | undefined, data: string): FuzzEvent {
  try {
    return { name, value: JSON.parse(data) as unknown };
  } catch {
    return { name, text: data };
  }
}
