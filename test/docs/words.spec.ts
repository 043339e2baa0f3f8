import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ROOT } from './blocks.js';

/** Words of everyday language that the field has a term for: dispatch, receive, repair, level, reservation … */
const AVOIDED =
  /\b(tells?|told|telling|hears?|heard|mend(?:s|ed|ing)?|whoever|bears?|circles?|passage|ledger)\b/i;
/** `handler` is the word; public types, Nest and Node have the other one. */
const SYNONYM = /hook/i;
const HOOKS_OF_OTHERS =
  /\bHook(?:Decorator|Selector)?\b|lifecycle hooks|'node:(?:async|perf)_hooks'/g;
/** Prompts in examples, and the names of fields that Redis has stored already. */
const ALLOWED =
  /Tell me|Told\b|'told'|tellFrom|local told|\btold\[|insert\(told|return told|`told`|state\.told/;

function isAvoided(line: string, folder: string): boolean {
  return (
    (AVOIDED.test(line) && !ALLOWED.test(line)) ||
    (folder === 'src' && SYNONYM.test(line.replace(HOOKS_OF_OTHERS, '')))
  );
}

it.each(['src', 'test', 'docs'])('%s/ is written in the terms of the field', (folder) => {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.(?:ts|mjs|md)$/.test(file) && !file.endsWith('words.spec.ts'),
  );
  const found = files.flatMap((file) =>
    readFileSync(join(ROOT, folder, file), 'utf8')
      .split('\n')
      .map((line, index) => `${file}:${index + 1}: ${line.trim()}`)
      .filter((line) => isAvoided(line, folder)),
  );
  expect(found).toEqual([]);
});
