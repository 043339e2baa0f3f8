import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));

/**
 * Puts what the package would contain below bench/node_modules, and returns the URL of its entry. A copy, so that the
 * library finds the same Nest and SDKs as the contenders, and a build during a run changes nothing.
 */
export function placeLibrary(root, name) {
  const source = resolve(root);
  if (!existsSync(join(source, 'dist/esm/index.js'))) {
    throw new Error(`The library in ${root} is not built: run "npm run build" there.`);
  }
  if (newest(join(source, 'src')) > newest(join(source, 'dist/esm'))) {
    console.warn(`The build in ${root} is older than its source: run "npm run build" there.`);
  }
  checkDependencies(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')));
  const target = join(bench, 'node_modules/.libraries', name);
  rmSync(target, { recursive: true, force: true });
  // Builds of earlier versions have no bundle.
  const built = existsSync(join(source, 'dist/bundle')) ? 'dist/bundle' : 'dist/esm';
  for (const part of ['package.json', built]) {
    cpSync(join(source, part), join(target, part), { recursive: true });
  }
  return pathToFileURL(join(target, built, 'index.js')).href;
}

function checkDependencies({ dependencies, peerDependencies, peerDependenciesMeta }) {
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (peerDependenciesMeta[name]?.optional) continue;
    if (!existsSync(join(bench, 'node_modules', name))) {
      throw new Error(`bench/package.json lacks ${name}, or "npm --prefix bench ci" was not run.`);
    }
  }
}

/** Everything that this package depends on: what is measured, and what that needs beside it. */
export function measuredPackages() {
  return Object.keys(ownDependencies());
}

/** The version that this package asks for, whatever is installed. */
export function pinnedVersionOf(name) {
  return ownDependencies()[name];
}

function ownDependencies() {
  return JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8')).dependencies;
}

export function versionOf(name) {
  const { version } = JSON.parse(
    readFileSync(join(bench, 'node_modules', name, 'package.json'), 'utf8'),
  );
  return version;
}

/** When a file below was last written, in epoch milliseconds. */
function newest(folder) {
  return Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}
