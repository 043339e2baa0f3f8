// Runs the tests against combinations of majors: node scripts/matrix.mjs --node 20 --nest 11,12
// With --full, it runs the long tests, too.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NPM_INSTALL, root, run } from './tools.mjs';

const KNOWN = { node: ['20', '24'], nest: ['11', '12'], openai: ['6', '7'] };
const NEST_PACKAGES = [
  'common',
  'core',
  'testing',
  'platform-express',
  'platform-fastify',
  'platform-ws',
  'platform-socket.io',
  'microservices',
  'websockets',
];
const { full, ...chosen } = readArguments();
const JEST_TIMEOUT_MS = 30 * 60_000;
const JEST = [
  '--experimental-vm-modules',
  'node_modules/jest/bin/jest.js',
  '--config',
  full ? 'jest.full.config.mjs' : 'jest.config.mjs',
];

const results = [];
for (const nest of chosen.nest) {
  for (const openai of chosen.openai) results.push(...runWith(nest, openai, chosen.node));
}
console.table(results);
process.exitCode = results.some(({ result }) => result !== 'pass') ? 1 : 0;

function readArguments() {
  const { values } = parseArgs({
    options: {
      node: { type: 'string' },
      nest: { type: 'string' },
      openai: { type: 'string' },
      full: { type: 'boolean', default: false },
    },
  });
  const majors = Object.entries(KNOWN).map(([name, all]) => [
    name,
    values[name]?.split(',') ?? all,
  ]);
  return { ...Object.fromEntries(majors), full: values.full };
}

/** One installation serves every Node, since no dependency is compiled for one of them. */
function runWith(nest, openai, nodes) {
  const cwd = mkdtempSync(join(tmpdir(), 'matrix-'));
  try {
    copyRepository(cwd);
    setVersions(cwd, nest, openai);
    const installed = run('npm', NPM_INSTALL, { cwd });
    if (!installed.ok) console.log(installed.output);
    const versions = { nest: versionOf(cwd, '@nestjs/core'), openai: versionOf(cwd, 'openai') };
    return nodes.map((node) => {
      const tested = installed.ok ? runJest(cwd, node) : { result: 'not installed' };
      const row = { node, ...versions, ...tested };
      console.log(Object.values(row).join('  '));
      return row;
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function copyRepository(cwd) {
  const listed = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (!listed.ok) throw new Error(listed.output);
  for (const file of new Set(listed.output.split('\0').filter(Boolean))) {
    // A tracked file may have been deleted since.
    if (existsSync(join(root, file))) cpSync(join(root, file), join(cwd, file));
  }
}

function setVersions(cwd, nest, openai) {
  const path = join(cwd, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const current = (name) => manifest.devDependencies[name].startsWith(`${nest}.`);
  for (const name of NEST_PACKAGES.map((part) => `@nestjs/${part}`)) {
    if (!current(name)) manifest.devDependencies[name] = `^${nest}.0.0`;
  }
  if (!manifest.devDependencies.openai.startsWith(`${openai}.`)) {
    manifest.devDependencies.openai = `^${openai}.0.0`;
  }
  writeFileSync(path, JSON.stringify(manifest, null, 2));
}

function versionOf(cwd, name) {
  try {
    return JSON.parse(readFileSync(join(cwd, 'node_modules', name, 'package.json'), 'utf8'))
      .version;
  } catch {
    return 'none';
  }
}

function runJest(cwd, node) {
  const own = process.versions.node.split('.')[0] === node;
  const [command, args] = own
    ? [process.execPath, JEST]
    : ['npx', ['-y', '-p', `node@${node}`, 'node', ...JEST]];
  const { ok, output } = run(command, args, { cwd, timeout: JEST_TIMEOUT_MS });
  if (!ok) console.log(output);
  const tests = /^Tests:\s+(.*)$/m.exec(output)?.[1] ?? 'none ran';
  return { result: ok ? 'pass' : 'FAIL', tests };
}
