// Runs an agent with two parallel tools inside a request's store of nestjs-cls, and sends what the tools found in it.
import 'reflect-metadata';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';

const [folder] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const { AgentService, CallbacksModule, defineTool } = await load('index.js');
const { FakeLlm } = await load('testing/index.js');
const { RunInCls } = await load('nestjs-cls.js');

const toolCalls = ['a', 'b'].map((id) => ({ id, name: 'find', args: {} }));
const provider = new FakeLlm([{ toolCalls }, 'Done.']);

class Root {}
const app = await NestFactory.createApplicationContext(
  {
    module: Root,
    imports: [
      CallbacksModule.forRoot({ llm: { provider, model: 'fake' } }),
      ClsModule.forRoot({ global: true }),
    ],
    providers: [RunInCls],
  },
  { logger: ['error'] },
);
const cls = app.get(ClsService);
const { CallbacksService } = await load('index.js');
const callbacks = app.get(CallbacksService);

const seen = [];
const find = defineTool({
  name: 'find',
  description: 'Finds.',
  parameters: { type: 'object', properties: {} },
  async execute() {
    await nextTurn();
    const { runId, userId, locale } = cls.get();
    seen.push({ isOwn: runId === callbacks.current.runId, locale, userId });
    return 'found';
  },
});

const after = await cls.run(async () => {
  cls.set('locale', 'de');
  await app
    .get(AgentService)
    .create({ tools: [find] })
    .run('goal', { userId: 'ada' });
  return cls.get();
});
await app.close();
process.send({ seen, after: { ...after } });
