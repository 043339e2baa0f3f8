import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readDocument, ROOT } from './blocks.js';

const SRC = join(ROOT, 'src');
const ARCHITECTURE = 'docs/internals/architecture.md';
const folders = readdirSync(SRC, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** From the top layer down. */
const order = [...readDocument(ARCHITECTURE).matchAll(/^\| `([\w-]+)\/` /gm)].map(
  ([, name]) => name!,
);

describe('The table of folders', () => {
  it('has a row for every folder', () => {
    expect(order.toSorted()).toEqual(folders.toSorted());
  });

  it.each(folders)('allows only downward imports in %s/', (folder) => {
    const below = order.slice(order.indexOf(folder) + 1);
    expect(importsOf(folder).filter((imported) => !below.includes(imported))).toEqual([]);
  });
});

it('Only the public entries are barrels', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  const barrels = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /(?:^|\/)index\.ts$/.test(file));
  expect(barrels.toSorted()).toEqual([
    'bullmq/index.ts',
    'index.ts',
    'redis/index.ts',
    'testing/index.ts',
  ]);
});

it.each([
  'CONTRIBUTING.md',
  ARCHITECTURE,
  'docs/internals/extending.md',
  'docs/internals/performance.md',
])('%s names files that exist', (document) => {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
      (file) => `/${folder}/${file.replaceAll('\\', '/')}`,
    ),
  );
  const named = [...readDocument(document).matchAll(/`([\w./-]+\.ts)`/g)];
  const missing = named.filter(([, name]) => !files.some((file) => file.endsWith(`/${name}`)));
  expect(missing.map(([, name]) => name)).toEqual([]);
});

/** The other folders that a folder's files import. */
function importsOf(folder: string): string[] {
  const found = new Set<string>();
  for (const file of readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const path = join(SRC, folder, file);
    for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const [first = '', ...rest] = relative(SRC, join(dirname(path), specifier)).split(/[\\/]/);
      if (rest.length > 0 && first !== folder) found.add(first);
    }
  }
  return [...found];
}
