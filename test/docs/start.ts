import type {
  DynamicModule,
  INestApplication,
  INestApplicationContext,
  LoggerService,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { CallbacksModule, type CallbacksModuleOptions } from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';

const open: INestApplicationContext[] = [];

/** The log of the test's application since it started. */
export const logged: string[] = [];
const write = (message: unknown): void => void logged.push(String(message));
const logger: LoggerService = { log: write, warn: write, error: write };

/** An application of the given modules and providers, closed by {@link closeAll}. */
export async function start(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).setLogger(logger).compile();
  open.push(app);
  await app.init();
  logged.length = 0;
  return app;
}

/** The URL of an application with these controllers; `signIn` changes each request, like a middleware. */
export async function serve(
  root: DynamicModule,
  controllers: Type[],
  signIn: (request: object) => void = () => undefined,
): Promise<string> {
  return listen({ imports: [root], controllers }, (app) =>
    app.use((request: object, _response: unknown, next: () => void) => {
      signIn(request);
      next();
    }),
  );
}

/** The URL of an application of the given parts; `prepare` is called before it listens. */
export async function listen(
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<string> {
  class Root {}
  const app = await NestFactory.create(
    { module: Root, ...metadata },
    { logger: false, forceCloseConnections: true },
  );
  prepare(app);
  open.push(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

/** `forRoot` with a model that returns these answers. */
export function around(answers: FakeAnswer[], options: CallbacksModuleOptions = {}) {
  return CallbacksModule.forRoot({
    llm: { provider: new FakeLlm(answers), model: 'fake' },
    ...options,
  });
}

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const app of open.splice(0)) await app.close();
  logged.length = 0;
}
