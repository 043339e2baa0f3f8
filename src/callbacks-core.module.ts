import { setImmediate as nextMacrotask } from 'node:timers/promises';
import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { Application } from './application.js';
import { ContextWarnings } from './context-warnings.js';
import { METHOD_RUNNER } from './decorators/index.js';
import { checkInjectedClients, Explorer, InstanceContexts } from './discovery/index.js';
import { Background, Dispatcher } from './dispatch/index.js';
import { DurableWorker } from './durable/index.js';
import { SseErrors } from './http/sse-errors.js';
import { Lifecycle } from './lifecycle.js';
import { STAND_INS, StandIns } from './llm/index.js';
import { PriceBook } from './prices/index.js';
import { HandlerRegistry, HandlerSource } from './registry/index.js';
import { Reporter } from './report.js';
import {
  ActiveTrace,
  ContextResolver,
  ContextStore,
  HybridWatch,
  LateErrors,
  OpenRuns,
  REQUEST_CONTEXTS,
  RequestContextInterceptor,
  RequestContexts,
  RunFactory,
} from './run/index.js';
import { ToolRegistry } from './tools/index.js';
import { WorkRunner } from './work/index.js';

/**
 * The machinery, once an application: a plain class, because dynamic modules are not merged; and global, so that it is
 * initialised before the modules that are heard.
 */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    ActiveTrace,
    Application,
    Background,
    ContextStore,
    ContextWarnings,
    Dispatcher,
    DurableWorker,
    Explorer,
    HandlerRegistry,
    HybridWatch,
    InstanceContexts,
    Lifecycle,
    OpenRuns,
    PriceBook,
    Reporter,
    RequestContexts,
    RunFactory,
    ToolRegistry,
    WorkRunner,
    { provide: HandlerSource, useExisting: Explorer },
    { provide: STAND_INS, useClass: StandIns },
    { provide: METHOD_RUNNER, useExisting: WorkRunner },
    { provide: REQUEST_CONTEXTS, useExisting: RequestContexts },
    { provide: ContextResolver, useExisting: Application },
    { provide: LateErrors, useClass: SseErrors },
    {
      provide: Symbol('injected clients'),
      inject: [ModulesContainer],
      useFactory: async (modules: ModulesContainer) => {
        // Once Nest has looked for what providers want, so that a test's mocks are in place.
        await nextMacrotask();
        checkInjectedClients(modules.values());
      },
    },
    { provide: APP_INTERCEPTOR, useClass: RequestContextInterceptor },
  ],
  exports: [
    METHOD_RUNNER,
    WorkRunner,
    Application,
    Background,
    Dispatcher,
    HandlerRegistry,
    OpenRuns,
    PriceBook,
    REQUEST_CONTEXTS,
    Reporter,
    RequestContexts,
    RunFactory,
    ToolRegistry,
    HandlerSource,
  ],
})
export class CallbacksCoreModule {}
