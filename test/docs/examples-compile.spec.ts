import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ROOT } from './blocks.js';

it('TypeScript accepts every example', () => {
  const tsc = join(ROOT, 'node_modules/@typescript/native/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'test/docs')], {
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
}, 60_000);
