import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync, type Options } from '@swc/core';

const ROOT = process.cwd();

interface JestConfig {
  default: { transform: Record<string, [transformer: string, options: Options]> };
}

/**
 * Compiles the library as it is for a process without Jest.
 *
 * @returns the folder, in which `index.js` is the library; to be removed by `remove()`
 */
export async function compileLibrary(): Promise<{ folder: string; remove: () => void }> {
  const folder = join(ROOT, 'node_modules/.cache/nestjs-llm-callbacks', `test-${process.pid}`);
  const config = pathToFileURL(join(ROOT, 'jest.config.mjs')).href;
  const { default: jest } = (await import(config)) as JestConfig;
  const [, options] = Object.values(jest.transform)[0]!;
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    const source = readFileSync(join(ROOT, 'src', file), 'utf8');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, transformSync(source, { ...options, sourceMaps: false }).code);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
