import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const TIMEOUT_MS = 10 * 60_000;

/** Runs a command to its end. `output` holds what it printed, unless `options.stdio` sent it on. */
export function run(command, args, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  const ending = error?.message ?? (signal ? `ended by ${signal}` : '');
  return { ok: status === 0, output: [stdout, stderr, ending].filter(Boolean).join('\n') };
}

/** Runs a tool installed in `cwd`, without a shell and without depending on the PATH. */
export function runTool(path, args, options = {}) {
  const cwd = options.cwd ?? root;
  return run(process.execPath, [join(cwd, 'node_modules', path), ...args], options);
}

export function tsc(config) {
  const { ok } = runTool('@typescript/native/bin/tsc', ['-p', config], { stdio: 'inherit' });
  if (!ok) process.exit(1);
}

export const NPM_INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund'];

/** Prints one line for each check, what went wrong where one failed, and the count at the end. */
export class Checks {
  passed = 0;
  failed = 0;

  add(name, { ok, output = '' }) {
    console.log(`${ok ? 'pass' : 'FAIL'}  ${name}`);
    if (ok) this.passed++;
    else {
      this.failed++;
      console.log(output.trim().replace(/^/gm, '      '));
    }
    return ok;
  }

  end() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }
}
