import type { ToolCall } from 'nestjs-llm-callbacks';
import type { Random } from '../wire/random.js';

/** Arguments that are not the text of a JSON object. */
export const ODD_ARGUMENTS = [
  '',
  '{"a": ',
  '{a: 1}',
  'null',
  '[1]',
  '"x"',
  '7',
  '{}{}',
  'so be it',
];

const ODD_NAMES = ['', 'look up', 'a.b', 'größe', 'x'.repeat(80), 'a/b:c', '你好'];
const LONG = 'call_' + 'z'.repeat(70);
const ODD_IDS = [
  '',
  'c-1',
  'functions.look:0',
  'functions_look_0',
  'id with spaces',
  'ключ',
  LONG,
  `${LONG}1`,
  `${LONG}2`,
  'x'.repeat(50),
];

/** An id of a call: mostly valid for all providers, sometimes missing, used before, or rejected by some. */
export function randomId(random: Random): string | undefined {
  if (random.chance(0.05)) return undefined;
  return random.chance(0.4) ? random.pick(ODD_IDS) : `call_${random.int(1, 1e9).toString(36)}`;
}

export function randomName(random: Random): string {
  return random.chance(0.15) ? random.pick(ODD_NAMES) : random.pick(['look', 'open_door', 'a-b']);
}

/** A call as application code may pass it: with malformed, missing or contradictory fields. */
export function randomCall(random: Random): ToolCall {
  const id = randomId(random);
  const call: Partial<ToolCall> = { name: randomName(random), ...(id !== undefined && { id }) };
  const argsText = random.chance(0.6) ? random.json() : random.pick(ODD_ARGUMENTS);
  if (random.chance(0.85)) call.argsText = argsText;
  if (random.chance(0.8)) call.args = parse(argsText);
  else if (random.chance(0.5)) call.args = random.pick<unknown>([[1], 'x', null, 7]);
  return call as ToolCall;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
