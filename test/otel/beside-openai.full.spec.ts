import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import { ROOT } from '../docs/blocks.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { HELLO, says, WireServer } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

const run = promisify(execFile);
const SCRIPT = join(ROOT, 'test/support/second-process/beside-openai.cjs');

let server: WireServer | undefined;
let library: Awaited<ReturnType<typeof compileLibrary>> | undefined;
afterEach(async () => {
  library?.remove();
  await server?.close();
});

interface Span {
  readonly scope: string;
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

it('Beside @opentelemetry/instrumentation-openai, our spans and theirs have different scopes', async () => {
  library = await compileLibrary();
  server = await WireServer.listen();
  server.answers(says(openai, 'generate', HELLO), says(openai, 'generate', HELLO));
  const { stdout } = await run(process.execPath, [SCRIPT, library.folder, server.origin]);
  const spans = JSON.parse(stdout) as Span[];
  const ofScope = (name: string) => spans.filter(({ scope }) => scope === name);
  const ours = ofScope('nestjs-llm-callbacks');
  const theirs = ofScope('@opentelemetry/instrumentation-openai');
  expect(ours.map(({ name }) => name)).toEqual(['chat gpt-4o-mini', 'chat gpt-4o-mini']);
  expect(theirs.map(({ name }) => name)).toEqual(['chat gpt-4o-mini', 'chat gpt-4o-mini']);
  // An own call is around what its client does; an observed one is made by the client.
  expect(theirs.some(({ parentSpanId }) => parentSpanId === ours[0]!.spanId)).toBe(true);
  expect(theirs.some(({ spanId }) => spanId === ours[1]!.parentSpanId)).toBe(true);
});
