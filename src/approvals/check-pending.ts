import { PendingRunError } from '../errors/llm-errors.js';
import { JsonSchemaValidators } from '../schema/json-schema-validator.js';
import type { Message, ToolCall } from '../types/message.js';
import type { PendingRun, PendingRunV1 } from '../types/agent.js';
import { toCanonicalJson } from './canonical-json.js';
import { PENDING_SCHEMA } from './pending-schema.js';

/** A stored run, as plain JSON. */
export type StoredRun = PendingRun | PendingRunV1;

/** Checks the form of pending runs; compiled for the first one. */
export class PendingChecker {
  #fits: ReturnType<typeof JsonSchemaValidators.prototype.compile> | undefined;

  /** @throws PendingRunError `'malformed'`, which names what is wrong, and contains none of it */
  check(json: object): StoredRun {
    this.#fits ??= new JsonSchemaValidators().compile(PENDING_SCHEMA);
    const checked = this.#fits(json);
    if ('issues' in checked) {
      throw malformed(
        `parts of it are missing or wrong: store result.pending as it is (${checked.issues}).`,
      );
    }
    const pending = json as StoredRun;
    checkCalls(pending);
    return pending;
  }
}

/** The displayed calls must be those that would be executed, and each call must appear once. */
function checkCalls({ messages, toolCalls, turn }: StoredRun): void {
  const last: Message | undefined = messages.at(-1);
  if (last?.role !== 'assistant') throw malformed('its last message is not the turn of a model.');
  const made = byId(last.toolCalls ?? []);
  const waiting = byId(toolCalls);
  const settled = new Set(turn.settled.map(({ toolCallId }) => toolCallId));
  if (settled.size < turn.settled.length) throw malformed('two results are of one call.');
  for (const id of settled) {
    if (!made.has(id) || waiting.has(id))
      throw malformed('it has a result of a call that has none.');
  }
  for (const [id, call] of made) {
    if (settled.has(id)) continue;
    const shown = waiting.get(id);
    if (shown === undefined)
      throw malformed('a call of its last turn neither waits nor has a result.');
    if (toCanonicalJson(shown) !== toCanonicalJson(call))
      throw malformed('a call that waits is another one in its last turn.');
  }
  if (waiting.size + settled.size > made.size)
    throw malformed('a call that waits is not in its last turn.');
}

function byId(calls: readonly ToolCall[]): Map<string, ToolCall> {
  const found = new Map(calls.map((call) => [call.id, call]));
  if (found.size < calls.length) throw malformed('two of its calls have one id.');
  return found;
}

export function malformed(what: string): PendingRunError {
  return new PendingRunError(`The pending run cannot be resumed: ${what}`, { reason: 'malformed' });
}
