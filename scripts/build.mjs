import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root, tsc } from './tools.mjs';

const dist = join(root, 'dist');
/** The types, and the modules of which the bundle is made. */
const modules = join(dist, 'esm');
const bundle = join(dist, 'bundle');

/** Few files instead of two hundred: most of the time that an application needs to load the package is per file. */
async function bundleModules() {
  const build = await rolldown({
    input: {
      index: join(modules, 'index.js'),
      testing: join(modules, 'testing/index.js'),
      redis: join(modules, 'redis/index.js'),
      bullmq: join(modules, 'bullmq/index.js'),
      otel: join(modules, 'otel/index.js'),
    },
    platform: 'node',
    external: /^[^./]/,
    // What an application does not need is left out by its own bundler.
    treeshake: false,
    plugins: [compilersMaps, packagesBeside],
  });
  await build.write({
    dir: bundle,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: 'chunk-[hash].js',
  });
  await build.close();
  copyFileSync(join(modules, 'util/packages.cjs'), join(bundle, 'packages.cjs'));
}

/** Lets the maps of the bundle lead to the sources. */
const compilersMaps = {
  name: 'maps of the compiler',
  load(id) {
    if (!id.endsWith('.js')) return null;
    const map = JSON.parse(readFileSync(`${id}.map`, 'utf8'));
    return { code: readFileSync(id, 'utf8'), map };
  },
};

/** A module of CommonJS, whose `require` an application's bundler must see, stays as it is. */
const packagesBeside = {
  name: 'packages.cjs beside the bundle',
  resolveId: (id) =>
    id.endsWith('/packages.cjs') ? { id: './packages.cjs', external: true } : null,
};

rmSync(dist, { recursive: true, force: true });
tsc('tsconfig.build.json');
tsc('tsconfig.cjs.json');

// Without it Node would read the CommonJS copy as ESM, as the package's own type says.
writeFileSync(join(dist, 'cjs/package.json'), '{"type":"commonjs"}\n');

await bundleModules();
