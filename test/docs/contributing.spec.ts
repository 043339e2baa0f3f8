import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readDocument, ROOT } from './blocks.js';

const SRC = join(ROOT, 'src');
const folders = readdirSync(SRC, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('The table of folders in CONTRIBUTING.md', () => {
  const rows = new Map(
    readDocument('CONTRIBUTING.md')
      .split('\n')
      .map((line) => line.split('|'))
      .filter(([, name]) => /^ `\w[\w-]*\/` /.test(name ?? ''))
      .map(([, name = '', , imports = '']) => [
        name.trim().replaceAll(/[`/]/g, ''),
        [...imports.matchAll(/`([\w-]+)`/g)].map(([, folder]) => folder),
      ]),
  );

  it('has a row for every folder', () => {
    expect([...rows.keys()].toSorted()).toEqual(folders.toSorted());
  });

  it.each(folders)('lists what %s/ imports', (folder) => {
    const known = rows.get(folder) ?? [];
    expect(importsOf(folder).filter((imported) => !known.includes(imported))).toEqual([]);
  });
});

it('CONTRIBUTING.md names files that exist', () => {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
      (file) => `/${folder}/${file.replaceAll('\\', '/')}`,
    ),
  );
  const named = [...readDocument('CONTRIBUTING.md').matchAll(/`([\w./-]+\.ts)`/g)];
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
