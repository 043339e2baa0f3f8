import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readDocument, ROOT } from './blocks.js';

/** A start-up error or a log line whose text is in the document. */
const SAID =
  /(?:new CallbacksConfigurationError|logger\.warn|logger\.error|#warn|new Log\([^)]*\)\.warn)\(\s*(?<text>`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*')/g;
const WORDS = 4;

/** The constant words of each text, as far as an entry must contain them. */
const said = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => {
    const source = readFileSync(join(ROOT, 'src', file), 'utf8').replaceAll(/^\s*\*.*$/gm, '');
    return [...source.matchAll(SAID)].map(({ groups }) => wordsOf(groups!['text']!));
  })
  .filter((words) => words.includes(' '));

function wordsOf(text: string): string {
  const parts = text.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map((part) =>
    plain(part)
      .replace(/^[^\w@]+/, '')
      .split(' ')
      .slice(0, WORDS)
      .join(' ')
      .replace(/\W+$/, ''),
  );
  const isWhole = (part: string) => part.split(' ').length === WORDS;
  return parts.find(isWhole) ?? parts.toSorted((a, b) => b.length - a.length)[0]!;
}

/** Without the characters that only code and Markdown need. */
function plain(text: string): string {
  return text
    .replaceAll(/['`*"\\]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

it('A search for the message finds it in docs/troubleshooting.md', () => {
  expect(said.length).toBeGreaterThan(30);
});

it.each(said)('docs/troubleshooting.md has an entry for "%s"', (words) => {
  expect(plain(readDocument('docs/troubleshooting.md'))).toContain(words);
});
