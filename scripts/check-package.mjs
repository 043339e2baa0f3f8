// Packs the package and proves the tarball in apps that know nothing of this repository: all, or those that are named.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checks, NPM_INSTALL, root, run, runTool } from './tools.mjs';

const TEMPLATES = join(root, 'scripts/package-apps');

const compile = ['TypeScript compiles it', 'typescript/bin/tsc', ['-p', '.']];
const script = (name, ...args) => [name, null, args];

/** What a library has of its own, as pnpm lays out packages whose peers differ: a copy of the package, and another openai. */
const LIBRARY = { 'nestjs-llm-callbacks': 'nestjs-llm-callbacks', openai: 'openai-7' };
const bundles = [
  script('esbuild and webpack bundle it', 'bundle.mjs'),
  script('minified by esbuild', 'bundles/esbuild.mjs'),
  script('minified by webpack', 'bundles/webpack.cjs'),
  script('both formats in one bundle', 'bundles/two-formats.mjs'),
];
const BUNDLED = [
  'copies.cjs',
  'required-library.cjs',
  'two-formats.mjs',
  'bundled.mjs',
  'bundle.mjs',
];

/** Each app: its folder of settings, the shared sources it takes, and what is run in it. */
const APPS = [
  {
    name: 'nest-11-commonjs',
    sources: [
      'main.ts',
      'subpaths.ts',
      'plain.cjs',
      'durable.mjs',
      'two-installs.cjs',
      'library/index.cjs',
      ...BUNDLED,
    ],
    library: LIBRARY,
    steps: [
      compile,
      script('compiled app runs', 'out/main.js'),
      script('subpaths', 'out/subpaths.js'),
      script('require', 'plain.cjs'),
      script('a durable job, by bullmq 5', 'durable.mjs', 'redis-only'),
      script('a library with a copy of its own', 'two-installs.cjs'),
      // As it is for tools that load one format for import and the other for require.
      script('both formats', '--no-experimental-require-module', 'two-formats.mjs'),
      ...bundles,
    ],
  },
  {
    name: 'nest-11-jest',
    sources: ['app.spec.ts', 'reset-modules.spec.ts'],
    steps: [['CommonJS jest', 'jest/bin/jest.js', []]],
  },
  {
    name: 'nest-12-jest',
    sources: ['app.spec.ts', 'reset-modules.spec.ts'],
    steps: [script('ESM jest', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js')],
  },
  {
    name: 'nest-12-esm',
    sources: [
      'main.ts',
      'subpaths.ts',
      'plain.mjs',
      'durable.mjs',
      'two-installs.mjs',
      'library/index.mjs',
      ...BUNDLED,
    ],
    library: LIBRARY,
    steps: [
      compile,
      script('compiled app runs', 'out/main.js'),
      script('subpaths', 'out/subpaths.js'),
      script('import', 'plain.mjs'),
      script('a durable job, by bullmq 6', 'durable.mjs'),
      script('a library with a copy of its own', 'two-installs.mjs'),
      ...bundles,
    ],
  },
  {
    name: 'nest-11-mocks',
    sources: ['desk.ts', 'mocker.spec.ts', 'suites.spec.ts'],
    steps: [['CommonJS jest with mocked dependencies', 'jest/bin/jest.js', []]],
  },
  {
    name: 'nest-12-mocks',
    sources: ['desk.ts', 'mocker.spec.ts', 'suites.mjs'],
    steps: [
      compile,
      [
        'ESM jest with mocked dependencies',
        null,
        ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
      ],
      // Under jest it looks for its adapters by what ESM of jest does not have.
      script('@suites/unit', 'suites.mjs'),
    ],
  },
  {
    name: 'without-sdks',
    sources: ['main.ts', 'plain.mjs', 'missing-sdk.mjs'],
    absent: ['openai', '@anthropic-ai/sdk', 'bullmq', 'ioredis'],
    steps: [
      compile,
      script('compiled app runs', 'out/main.js'),
      script('import', 'plain.mjs'),
      script('a missing SDK is named at start-up', 'missing-sdk.mjs'),
    ],
  },
];

const named = process.argv.slice(2);
const chosen = APPS.filter(({ name }) => named.length === 0 || named.includes(name));
const checks = new Checks();
const work = mkdtempSync(join(tmpdir(), 'package-check-'));
try {
  const tarball = pack();
  if (tarball) {
    checkTarball(tarball);
    for (const app of chosen) checkApp(app, tarball);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
checks.end();

function pack() {
  const packed = run('npm', ['pack', '--json', '--pack-destination', work]);
  if (!checks.add('npm pack', packed)) return undefined;
  // The build's own lines come first, and the list of files is the last thing printed.
  const file = /"filename": "([^"]+\.tgz)"/.exec(packed.output)?.[1];
  return join(work, file);
}

function checkTarball(tarball) {
  const publint = runTool('publint/src/cli.js', [tarball, '--strict']);
  const silent = /All good!/.test(publint.output);
  checks.add('publint finds nothing', { ok: publint.ok && silent, output: publint.output });
  const attw = runTool('@arethetypeswrong/cli/dist/index.js', [tarball, '--format', 'ascii']);
  checks.add('attw finds nothing', attw);
}

function checkApp({ name, sources, library = {}, absent = [], steps }, tarball) {
  const cwd = join(work, name);
  mkdirSync(cwd);
  cpSync(join(TEMPLATES, name), cwd, { recursive: true });
  for (const file of sources) cpSync(join(TEMPLATES, file), join(cwd, file));

  const installed = run('npm', [...NPM_INSTALL, tarball], { cwd });
  if (!checks.add(`${name}: installs`, installed)) return;

  for (const [dependency, installedAs] of Object.entries(library)) {
    const nested = join(cwd, 'library/node_modules', dependency);
    cpSync(join(cwd, 'node_modules', installedAs), nested, { recursive: true });
  }
  for (const dependency of absent) {
    const ok = !existsSync(join(cwd, 'node_modules', dependency));
    checks.add(`${name}: ${dependency} is not there`, { ok, output: 'it was installed' });
  }
  for (const [step, tool, args] of steps) {
    const result = tool ? runTool(tool, args, { cwd }) : run(process.execPath, args, { cwd });
    checks.add(`${name}: ${step}`, result);
  }
}
