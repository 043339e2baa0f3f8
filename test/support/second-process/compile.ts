import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync, type Options } from '@swc/core';

const ROOT = process.cwd();

interface JestConfig {
  default: { transform: Record<string, [transformer: string, options: Options]> };
}

export interface CompiledLibrary {
  readonly folder: string;
  /** Compiles another file into the folder; its imports of the package by name resolve to the library there. */
  add(file: string, name: string): void;
  remove(): void;
}

/**
 * Compiles the current library for a process without Jest.
 *
 * @param support folders of `test/support` that the process also needs; they are at `support/…`
 * @returns the folder, in which `index.js` is the library; `remove()` deletes it
 */
export async function compileLibrary(...support: readonly string[]): Promise<CompiledLibrary> {
  const folder = join(ROOT, 'node_modules/.cache/nestjs-llm-callbacks', `test-${process.pid}`);
  const config = pathToFileURL(join(ROOT, 'jest.config.mjs')).href;
  const { default: jest } = (await import(config)) as JestConfig;
  const optionsOf = (file: string): Options => {
    const [, [, options]] = Object.entries(jest.transform).find(([name]) => file.match(name))!;
    return { ...options, sourceMaps: false };
  };
  const transform = (source: string, file: string) => transformSync(source, optionsOf(file)).code;
  compileFolder('src', folder, transform);
  // Their imports of the package by name resolve to the library here, too.
  const compile = (source: string, file: string) =>
    transform(source, file)
      .replaceAll("'nestjs-llm-callbacks'", "'../../index.js'")
      .replaceAll("'nestjs-llm-callbacks/testing'", "'../../testing/index.js'");
  for (const name of support)
    compileFolder(`test/support/${name}`, join(folder, 'support', name), compile);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return {
    folder,
    add(file, name) {
      const source = transform(readFileSync(join(ROOT, file), 'utf8'), file);
      writeFileSync(
        join(folder, name),
        source.replaceAll("'nestjs-llm-callbacks'", "'./index.js'"),
      );
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function compileFolder(
  from: string,
  to: string,
  compile: (source: string, file: string) => string,
): void {
  for (const file of readdirSync(join(ROOT, from), { recursive: true, encoding: 'utf8' })) {
    if (!/\.c?ts$/.test(file)) continue;
    const target = join(to, file.replace(/ts$/, 'js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, compile(readFileSync(join(ROOT, from, file), 'utf8'), file));
  }
}
