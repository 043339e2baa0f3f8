// Packs the package and proves the tarball in apps that know nothing of this repository.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checks, NPM_INSTALL, root, run, runTool } from './tools.mjs';

const TEMPLATES = join(root, 'scripts/package-apps');

const compile = ['TypeScript compiles it', 'typescript/bin/tsc', ['-p', '.']];
const script = (name, file) => [name, null, [file]];

/** Each app: its folder of settings, the shared sources it takes, and what is run in it. */
const APPS = [
  {
    name: 'nest-11-commonjs',
    sources: ['main.ts', 'subpaths.ts', 'plain.cjs'],
    steps: [
      compile,
      script('compiled app runs', 'out/main.js'),
      script('subpaths', 'out/subpaths.js'),
      script('require', 'plain.cjs'),
    ],
  },
  {
    name: 'nest-11-jest',
    sources: ['app.spec.ts'],
    steps: [['CommonJS jest', 'jest/bin/jest.js', []]],
  },
  {
    name: 'nest-12-esm',
    sources: ['main.ts', 'subpaths.ts', 'plain.mjs'],
    steps: [
      compile,
      script('compiled app runs', 'out/main.js'),
      script('subpaths', 'out/subpaths.js'),
      script('import', 'plain.mjs'),
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

const checks = new Checks();
const work = mkdtempSync(join(tmpdir(), 'package-check-'));
try {
  const tarball = pack();
  if (tarball) {
    checkTarball(tarball);
    for (const app of APPS) checkApp(app, tarball);
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

function checkApp({ name, sources, absent = [], steps }, tarball) {
  const cwd = join(work, name);
  mkdirSync(cwd);
  cpSync(join(TEMPLATES, name), cwd, { recursive: true });
  for (const file of sources) cpSync(join(TEMPLATES, file), join(cwd, file));

  const installed = run('npm', [...NPM_INSTALL, tarball], { cwd });
  if (!checks.add(`${name}: installs`, installed)) return;

  for (const dependency of absent) {
    const ok = !existsSync(join(cwd, 'node_modules', dependency));
    checks.add(`${name}: ${dependency} is not there`, { ok, output: 'it was installed' });
  }
  for (const [step, tool, args] of steps) {
    const result = tool ? runTool(tool, args, { cwd }) : run(process.execPath, args, { cwd });
    checks.add(`${name}: ${step}`, result);
  }
}
