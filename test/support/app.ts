import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { CallbacksModule, LlmService, type CallbacksModuleOptions } from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { logs, testLogger } from './logs.js';

const open: INestApplicationContext[] = [];

/** An endless supply of the same answer. */
export function always(answer: FakeAnswer): FakeAnswer[] {
  return Array.from({ length: 100 }, () => answer);
}

export interface TestApp {
  readonly module: TestingModule;
  readonly llm: LlmService;
  readonly fake: FakeLlm;
}

/** The module of an application with a fake model, not yet initialized. */
export async function compileApp(
  metadata: ModuleMetadata = {},
  options: CallbacksModuleOptions & { answers?: FakeAnswer[] } = {},
): Promise<TestApp> {
  const { answers = always('hello'), ...root } = options;
  const fake = new FakeLlm(answers);
  const forRoot = CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' }, ...root });
  const imports = [forRoot, ...(metadata.imports ?? [])];
  const module = await Test.createTestingModule({ ...metadata, imports })
    .setLogger(testLogger)
    .compile();
  open.push(module);
  return { module, fake, llm: module.get(LlmService) };
}

/** An application with a fake model. */
export async function startApp(...args: Parameters<typeof compileApp>): Promise<TestApp> {
  const app = await compileApp(...args);
  try {
    await app.module.init();
  } catch (error) {
    // Nest 11 throws again when an application that failed to start is closed.
    open.splice(open.indexOf(app.module), 1);
    throw error;
  }
  return app;
}

/** Registers an application to be closed by {@link closeApps}. */
export function willClose<T extends INestApplicationContext>(app: T): T {
  open.push(app);
  return app;
}

/** Closes what a test has opened, and clears its log; for `afterEach`. */
export async function closeApps(): Promise<void> {
  for (const app of open.splice(0)) await app.close();
  logs.length = 0;
}
