import { expect, it } from '@jest/globals';
import { ContentRedactor } from '../../src/redaction/content-redactor.js';

const redactor = new ContentRedactor();

it.each([
  'eyJ',
  '-eyJ',
  'sk-',
  'a://',
  'a://b:',
  'api_key=',
  'api_key: ',
  'bearer ',
  'basic ',
  '\\"',
  '"password":"',
  '"password":{',
  "'token': [",
  '?key=',
  'cookie: a=b; ',
  'authorization: Digest a="',
  'authorization: a b, ',
  '-----BEGIN PRIVATE KEY-----',
  '\\',
  '{"',
  '[',
  '=',
  ':',
  ' ',
  '-a',
  '--token ',
  'github_pat_',
  '1234567890:AA',
  'SG.aaaaaaaaaaaaaaaa',
  'slack.com/services/',
  ',a=',
  '"',
])('A redactor is linear in time for a long text of %j', (part) => {
  const text = part.repeat(Math.ceil(1_000_000 / part.length));
  const before = process.cpuUsage();
  redactor.redact(text);
  redactor.redact({ a: `{"a":${JSON.stringify(text)}}`, b: `[${text}` });
  // Not the time of the clock, which passes on a busy machine, too.
  expect(process.cpuUsage(before).user).toBeLessThan(4_000_000);
});
