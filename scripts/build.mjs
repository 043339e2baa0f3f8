import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root, tsc } from './tools.mjs';

const dist = join(root, 'dist');
const modules = join(dist, 'esm');
const bundle = join(dist, 'bundle');

rmSync(dist, { recursive: true, force: true });
// The types, and the modules of which the bundle is made.
tsc('tsconfig.build.json');
tsc('tsconfig.cjs.json');

// Without it Node would read the CommonJS copy as ESM, as the package's own type says.
writeFileSync(join(dist, 'cjs/package.json'), '{"type":"commonjs"}\n');

// Few files instead of two hundred: most of the time that an application needs to load the package is per file.
await build({
  entryPoints: {
    index: join(modules, 'index.js'),
    testing: join(modules, 'testing/index.js'),
    redis: join(modules, 'redis/index.js'),
    bullmq: join(modules, 'bullmq/index.js'),
  },
  outdir: bundle,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  sourcesContent: false,
  // Nothing is left out: what a bundler of an application may drop, package.json says.
  ignoreAnnotations: true,
  treeShaking: false,
  logLevel: 'warning',
  // A module of CommonJS, whose `require` a bundler of an application must see.
  plugins: [
    {
      name: 'packages',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\/packages\.cjs$/ }, () => ({
          path: './packages.cjs',
          external: true,
        })),
    },
  ],
});
copyFileSync(join(modules, 'util/packages.cjs'), join(bundle, 'packages.cjs'));
