// Bundles the programs as applications are bundled that are shipped as one file.
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import webpack from 'webpack';

/** What Nest and the package load only if it is there. */
const OPTIONAL = [
  '@anthropic-ai/sdk',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  '@opentelemetry/api',
  'bullmq',
  'class-transformer',
  'class-validator',
  'ioredis',
  'openai',
  'pg',
];
const isOptional = (name) => OPTIONAL.some((one) => name === one || name.startsWith(`${one}/`));
const out = join(import.meta.dirname, 'bundles');

const esbuild = (entry, outfile) =>
  build({
    entryPoints: [entry],
    outfile: join(out, outfile),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: OPTIONAL.flatMap((name) => [name, `${name}/*`]),
    // Modules in CommonJS ask for their dependencies by it.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'error',
  });

async function pack(entry, filename) {
  const compiler = webpack({
    mode: 'production',
    target: 'node20',
    entry,
    output: { path: out, filename },
    externals: [
      ({ request }, done) => (isOptional(request) ? done(null, `commonjs ${request}`) : done()),
    ],
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
}

await esbuild('bundled.mjs', 'esbuild.mjs');
await esbuild('two-formats.mjs', 'two-formats.mjs');
await pack('./bundled.mjs', 'webpack.cjs');
