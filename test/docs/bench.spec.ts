import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readDocument, ROOT } from './blocks.js';

it('The tables, the headlines and the chart of the benchmark are those of its kept results', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'bench/readme.mjs'), '--check'],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('The page of the benchmark is one page long', () => {
  expect(readDocument('bench/README.md').split('\n').length).toBeLessThanOrEqual(81);
});
