import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ROOT } from '../docs/blocks.js';

const SRC = join(ROOT, 'src');

/** The folders of what built-ins do with events. */
const BUILT_INS = [
  'built-in',
  'otel',
  'dispatch/background',
  'bullmq',
  'redis',
  'limits',
  'resilience',
];

/** What turns an event into text, or writes text, without `event.redacted(place)`. */
const WAYS_OUT =
  /\.toJSON\(|JSON\.stringify\(|\b(?:toSafeJson|toJsonText|toJsonCopy|inspect)\(|process\.std(?:out|err)|\bconsole\.|\bLogger\b|\bnew Log\(|\bfetch\(/;

const OWN_LINES = 'messages of the package, and of errors by `logReason`';

/** A line of each file that has one, and why no content leaves the process unredacted by it. */
const ALLOWED: readonly (readonly [file: string, line: string, reason: string])[] = [
  ['built-in/logging-callbacks.ts', "new Log('LLM')", 'writes lines of redacted events'],
  ['built-in/log-fields.ts', 'JSON.stringify(json)', 'parts of a redacted event'],
  ['otel/values.ts', 'JSON.stringify(value)', 'parts of a redacted event'],
  ['dispatch/background/background.ts', "new Log('Callbacks')", OWN_LINES],
  ['bullmq/backend.ts', "new Log('BullmqJobQueue')", OWN_LINES],
  ['limits/admission.ts', 'new Log(limiter)', OWN_LINES],
  ['limits/store-outage.ts', 'new Log(name)', OWN_LINES],
  ['limits/store-outage.ts', 'new Log(limiter)', OWN_LINES],
  ['resilience/cache.interceptor.ts', "new Log('CacheInterceptor')", OWN_LINES],
  ['limits/limit-window.ts', 'JSON.stringify(timeZone)', 'an option, in a start-up error'],
  ['resilience/cache.interceptor.ts', 'this.#store.set(', 'answers must come back as they were'],
  ['resilience/cache.interceptor.ts', 'JSON.stringify(parts, inOrder)', 'is hashed'],
  ['bullmq/backend.ts', 'event: JSON.stringify(event)', 'the event of a job is redacted'],
];

interface Found {
  readonly file: string;
  readonly line: string;
}

const found: Found[] = BUILT_INS.filter((folder) => existsSync(join(SRC, folder))).flatMap(
  (folder) =>
    readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .flatMap((file) =>
        readFileSync(join(SRC, file), 'utf8')
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => !/^(?:\/?\*|\/\/|import )/.test(line) && WAYS_OUT.test(line))
          .map((line) => ({ file, line })),
      ),
);

function isAllowed({ file, line }: Found): boolean {
  return ALLOWED.some(([inFile, text]) => inFile === file && line.includes(text));
}

it('Built-ins let content out of the process by event.redacted(place) only', () => {
  expect(found.filter((one) => !isAllowed(one))).toEqual([]);
});

it('The list of exceptions has no old ones', () => {
  const unused = ALLOWED.filter(
    ([file, text]) => !found.some((one) => one.file === file && one.line.includes(text)),
  );
  expect(unused).toEqual([]);
});
