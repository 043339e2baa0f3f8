import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as library from 'nestjs-llm-callbacks';
import * as testing from 'nestjs-llm-callbacks/testing';
import { EVENTS, type EventType } from '../../src/events/event-map.js';
import { blocksOf, codeOf, examples, readDocument, ROOT, updateDocument } from './blocks.js';

const PAGES = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((page) => page.endsWith('.md'))
  .map((page) => `docs/${page.replaceAll('\\', '/')}`);
const BENCHMARK = ['bench/README.md', 'bench/results/node-20.md', 'bench/results/node-24.md'];
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'sample-app/README.md', ...BENCHMARK, ...PAGES];

// After a change of an example: UPDATE_DOCS=1 npm test -- test/docs && npm run format
if (process.env['UPDATE_DOCS']) DOCUMENTS.forEach(updateDocument);

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readDocument(document);

  for (const { example, code } of blocksOf(document)) {
    it(`shows the example ${example} unchanged`, () => {
      expect(example).toBeDefined();
      expect(withoutLayout(code)).toBe(withoutLayout(codeOf(example!)));
    });
  }

  it('links to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !leadsSomewhere(document, link))).toEqual([]);
  });

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  it('names decorators and errors that exist', () => {
    const named = text.match(/(?<=`)(?:@On[A-Z]\w+|[A-Z]\w+Error)(?=[`(])/g) ?? [];
    const known = new Set(['AbortError', ...Object.keys({ ...library, ...testing })]);
    expect(named.filter((name) => !known.has(name.replace('@', '')))).toEqual([]);
  });
});

it('The README is at most a few screens long', () => {
  expect(readDocument('README.md').split('\n').length).toBeLessThanOrEqual(250);
});

it.each(['nest-11-jest/jest.config.cjs', 'nest-12-jest/jest.config.mjs'])(
  'docs/testing.md shows the configuration of an outside application: %s',
  (file) => {
    const config = readFileSync(join(ROOT, 'scripts/package-apps', file), 'utf8');
    expect(readDocument('docs/testing.md')).toContain(config);
  },
);

it('Every example appears in a document', () => {
  const shown = DOCUMENTS.flatMap(blocksOf).map(({ example }) => example);
  expect(examples().filter((example) => !shown.includes(example))).toEqual([]);
});

describe('The tables of the documents', () => {
  const rows = ['docs/events.md', 'docs/errors.md']
    .map(readDocument)
    .join('\n')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it.each(Object.keys(EVENTS) as EventType[])('list %s with all of its fields', (type) => {
    const { event, method } = EVENTS[type];
    const decorator = `@${method.replace(/^o/, 'O')}`;
    const row = rows.find(([, name]) => name === `\`${type}\``);
    expect(row?.slice(2, 4)).toEqual([`\`${decorator}\``, `\`${method}\``]);
    expect(library).toHaveProperty(decorator.slice(1));
    const carries = [...(row?.[4]?.matchAll(/`(\w+)`/g) ?? [])].map(([, field]) => field);
    const prototype = event.prototype as unknown as { fields(): string[] };
    expect(carries).toEqual(prototype.fields());
  });

  it.each(concreteErrors())('list $name with its code', ({ name, code, retryable }) => {
    const row = rows.find(([, cell]) => cell === `\`${name}\``);
    expect(row?.slice(2, 4)).toEqual([`\`${code}\``, retryable ? 'yes' : 'no']);
  });
});

/** Ignores line breaks and the commas that depend on them: prettier breaks lines differently in a document. */
function withoutLayout(code: string): string {
  return code.replaceAll(/\s+/g, '').replaceAll(/,(?=[)\]}])/g, '');
}

function leadsSomewhere(document: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? document : normalize(join(dirname(document), file));
  if (!existsSync(join(ROOT, target))) return false;
  if (anchor === undefined) return true;
  const headings = readDocument(target).matchAll(/^#+ (.+)$/gm);
  return [...headings].some(([, heading]) => anchorOf(heading!) === anchor);
}

/** The anchor that GitHub creates for a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function concreteErrors() {
  return Object.entries(library).flatMap(([name, value]) => {
    const { prototype } = Object(value) as { prototype?: unknown };
    if (!(prototype instanceof library.CallbacksError) || name === 'LlmError') return [];
    const { code, retryable } = new (value as new (message: string) => library.CallbacksError)('');
    return [{ name, code, retryable }];
  });
}
