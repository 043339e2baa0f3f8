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

describe('Built-ins use only what users can import', () => {
  /** Not public yet. */
  const exceptions = ['limits/limit.ts: minInputTokens of llm/call/estimate.js'];
  const isPublic = publicNames();

  it.each(['built-in', 'resilience', 'limits'])(
    '%s/ imports public names, its own folder and util/',
    (folder) => {
      const foreign = namedImportsOf(folder).filter(({ from }) => !from.startsWith('util/'));
      expect(foreign.length).toBeGreaterThan(0);
      const hidden = foreign
        .filter(({ name, from }) => !isPublic(name, from))
        .map(({ file, name, from }) => `${file}: ${name} of ${from}`);
      expect(hidden.filter((found) => !exceptions.includes(found))).toEqual([]);
    },
  );
});

it('src/ reads what an event is about, and its phase, from the event map', () => {
  const cutting =
    /\b(?:type|selector)\.(?:startsWith|endsWith|split|slice|indexOf|match)\(|\.test\(type\)/;
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  const found = files
    // The types of providers' wire formats are theirs.
    .filter((file) => file.endsWith('.ts') && !/^llm.providers/.test(file))
    .filter((file) => cutting.test(readFileSync(join(SRC, file), 'utf8')));
  expect(found).toEqual([]);
});

it('Only the public entries are barrels', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  const barrels = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /(?:^|\/)index\.ts$/.test(file));
  expect(barrels.toSorted()).toEqual([
    'bullmq/index.ts',
    'index.ts',
    'otel/index.ts',
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

/** Whether a name of a file of src/ is exported by the package's main entry. */
function publicNames(): (name: string, file: string) => boolean {
  const entry = readFileSync(join(SRC, 'index.ts'), 'utf8');
  const whole = new Set(
    [...entry.matchAll(/export \* from '\.\/([^']+)'/g)].map(([, file]) => file),
  );
  const single = new Set(
    [...entry.matchAll(/export (?:type )?\{([^}]+)\} from '\.\/([^']+)'/g)].flatMap(
      ([, names = '', file = '']) => listOf(names).map((name) => `${file}#${name}`),
    ),
  );
  return (name, file) => whole.has(file) || single.has(`${file}#${name}`);
}

/** The names that a folder's files import from other folders of src/. */
function namedImportsOf(folder: string): { file: string; name: string; from: string }[] {
  return readdirSync(join(SRC, folder), { encoding: 'utf8' }).flatMap((file) => {
    const source = readFileSync(join(SRC, folder, file), 'utf8');
    const imports = source.matchAll(/import (?:type )?\{([^}]+)\} from '\.\.\/([^']+)'/g);
    return [...imports].flatMap(([, names = '', from = '']) =>
      listOf(names).map((name) => ({ file: `${folder}/${file}`, name, from })),
    );
  });
}

function listOf(names: string): string[] {
  return names
    .split(',')
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');
}

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
