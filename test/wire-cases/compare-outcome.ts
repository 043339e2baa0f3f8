import type { AgentResult, LlmResponse } from 'nestjs-llm-callbacks';
import type { BootedCase } from './boot-case.js';
import { pathMismatches, valueMismatches } from './expectations.js';
import type { Outcome } from './play-case.js';
import type { Expected, Paths } from './read-case.js';

/** The differences between an outcome and the expected one: one line each. */
export function mismatchesOf(
  expected: Expected,
  outcome: Outcome,
  { servers }: BootedCase,
): string[] {
  const { requests, error, events = {}, toolRuns, sent = {}, sentTo = {}, next } = expected;
  return [
    ...errorMismatches(error, outcome.error),
    ...answerMismatches(expected, outcome),
    ...optional(toolRuns, outcome.toolRuns, 'toolRuns'),
    ...optional(requests, outcome.requests.length, 'requests'),
    ...turnMismatches(expected, outcome),
    ...Object.entries(sent).flatMap(([number, paths]) =>
      pathMismatches(outcome.requests[Number(number)]?.body, paths, `sent ${number}`),
    ),
    ...Object.entries(sentTo).flatMap(([name, paths]) =>
      pathMismatches(servers.get(name)?.server.exchanges[0]?.body, paths, `sent to ${name}`),
    ),
    ...Object.entries(events).flatMap(([type, fields]) => eventMismatches(type, fields, outcome)),
    ...nextMismatches(next, outcome),
  ];
}

function optional(wanted: unknown, actual: unknown, place: string): string[] {
  return wanted === undefined ? [] : valueMismatches(actual, wanted, place);
}

function errorMismatches(wanted: Paths | undefined, error: unknown): string[] {
  if (wanted === undefined) return error === undefined ? [] : [`it failed: ${describe(error)}`];
  if (error === undefined) return ['it did not fail'];
  const { says, messageMatches, ...fields } = wanted;
  return [
    ...pathMismatches(error, fields, 'error'),
    ...(messageMatches === undefined
      ? []
      : valueMismatches(messageOf(error), { $matches: messageMatches }, 'error message')),
    ...(says === undefined
      ? []
      : valueMismatches(wordsOf(error).join('\n'), { $says: says }, 'words of the error')),
  ].map((line) => `${line} (${describe(error)})`);
}

function answerMismatches(expected: Expected, { response, result, chunks }: Outcome): string[] {
  const answer: Partial<LlmResponse & AgentResult> = { ...response, ...result };
  const reasoning = chunks.map((chunk) => (chunk.type === 'reasoning' ? chunk.text : '')).join('');
  return [
    ...optional(expected.text, result ? result.output : response?.text, 'text'),
    ...optional(expected.reasoning, reasoning, 'reasoning'),
    ...optional(expected.object, answer.object, 'object'),
    ...optional(expected.finishReason, answer.finishReason, 'finishReason'),
    ...pathMismatches(answer.usage, expected.usage ?? {}, 'usage'),
    ...costMismatches(expected.costUsd, answer.cost),
    ...callMismatches(expected.toolCalls, response),
  ];
}

/** Sums of floating point numbers differ in their last digits. */
function costMismatches(wanted: unknown, cost: unknown): string[] {
  if (typeof wanted !== 'number') return optional(wanted, cost, 'cost');
  const isEqual = typeof cost === 'number' && Math.abs(cost - wanted) < 1e-9;
  return isEqual ? [] : [`cost: ${String(cost)} is not ${wanted}`];
}

function callMismatches(wanted: Expected['toolCalls'], response?: LlmResponse): string[] {
  if (wanted === undefined) return [];
  const calls = response?.toolCalls ?? [];
  return [
    ...valueMismatches(calls.length, wanted.length, 'number of calls'),
    ...wanted.flatMap((fields, index) => pathMismatches(calls[index], fields, `call ${index}`)),
  ];
}

/** `secondTurn` is the manual turn if there is one, else the second request. */
function turnMismatches(expected: Expected, { requests, next }: Outcome): string[] {
  const { firstTurn = {}, secondTurn = {} } = expected;
  const second = next ? next.body : requests[1]?.body;
  return [
    ...pathMismatches(requests[0]?.body, firstTurn, 'first turn'),
    ...pathMismatches(second, secondTurn, 'second turn'),
  ];
}

function eventMismatches(type: string, fields: Paths | null, { events }: Outcome): string[] {
  const last = events.findLast((event) => event.type === type);
  if (fields === null) return last === undefined ? [] : [`${type} was dispatched`];
  return last === undefined ? [`${type} was not dispatched`] : pathMismatches(last, fields, type);
}

function nextMismatches(wanted: Expected['next'], { next }: Outcome): string[] {
  if (next?.error !== undefined) return [`the next turn failed: ${describe(next.error)}`];
  if (wanted === undefined) return [];
  if (next === undefined) return ['there was no next turn'];
  return optional(wanted.text, next.text, 'text of the next turn');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The texts of an error: its message, its causes and their bodies. */
function wordsOf(error: unknown, seen: Set<unknown> = new Set()): string[] {
  if (typeof error === 'string') return [error];
  if (typeof error !== 'object' || error === null || seen.has(error)) return [];
  seen.add(error);
  return Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'stack')
    .flatMap((name) => wordsOf((error as Record<string, unknown>)[name], seen));
}

/** The mismatches of the closest alternative; none if one alternative matches. */
export function mismatchesOfOneOf(
  alternatives: readonly Expected[],
  outcome: Outcome,
  booted: BootedCase,
): string[] {
  const all = alternatives.map((expected) => mismatchesOf(expected, outcome, booted));
  if (all.some(({ length }) => length === 0)) return [];
  return all.flatMap((lines, index) =>
    all.length === 1 ? lines : lines.map((line) => `alternative ${index}: ${line}`),
  );
}
