import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as names from '../../src/otel/names.js';
import { ROOT } from '../docs/blocks.js';
import { CONVENTION_NAMES } from './convention.js';

const FOLDER = join(ROOT, 'src/otel');

/** All texts in a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('The names', () => {
  it('of the convention are in its reference', () => {
    const { ATTR, CONTENT, RENAMED_ATTR, LOG_EVENTS, METRICS } = names;
    const used = [ATTR, CONTENT, RENAMED_ATTR, LOG_EVENTS, METRICS].flatMap(textsIn);
    expect(used.length).toBeGreaterThan(60);
    expect(used.filter((name) => !CONVENTION_NAMES.has(name))).toEqual([]);
  });

  it('of this package have its prefix', () => {
    const own = [names.OWN_ATTR, names.OWN_METRICS].flatMap(textsIn);
    expect(own.filter((name) => !name.startsWith('nestjs_llm_callbacks.'))).toEqual([]);
  });

  it('are in one file', () => {
    const literal =
      /['"`](?:gen_ai|openai|server|error|exception|nestjs_llm_callbacks|user)\.[a-z]/;
    const found = readdirSync(FOLDER)
      .filter((file) => file !== 'names.ts')
      .filter((file) => literal.test(readFileSync(join(FOLDER, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('that were renamed are doubled by "both" alone', () => {
    const renamed = { latest: 'new', 'v1.41': 'old' };
    expect(names.namesOf(renamed, 'latest')).toEqual(['new']);
    expect(names.namesOf(renamed, 'v1.41')).toEqual(['old']);
    expect(names.namesOf(renamed, 'both')).toEqual(['new', 'old']);
    expect(names.namesOf({ latest: 'new' }, 'v1.41')).toEqual([]);
    expect(names.namesOf({ latest: 'new' }, 'both')).toEqual(['new']);
  });

  it('come with the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(names.SCOPE_VERSION).toBe(version);
  });
});
