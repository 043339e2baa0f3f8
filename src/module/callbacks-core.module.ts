import { setImmediate as nextMacrotask } from 'node:timers/promises';
import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { Application } from './application.js';
import { ContextWarnings } from './context-warnings.js';
import { METHOD_RUNNER, Tracer } from '../runs/tracer.js';
import { checkInjectedClients } from './warnings.js';
import { Explorer } from './explorer.js';
import { InstanceContexts } from './scoped-instances.js';
import { Background } from '../dispatch/background/background.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { DurableWorker } from './durable-worker.js';
import { SseErrors } from '../http/event-stream.js';
import { Lifecycle } from './lifecycle.js';
import { STAND_INS, StandIns } from '../llm/stand-ins.js';
import { PriceBook } from '../prices/price-book.js';
import { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import { Reporter } from './report.js';
import { ActiveTrace } from '../runs/request-context.js';
import {
  ContextResolver,
  REQUEST_CONTEXTS,
  RequestContextInterceptor,
  RequestContexts,
  StreamErrorHandler,
} from '../request-context/request-context.interceptor.js';
import { ContextStore } from '../runs/run-context.js';
import { MicroserviceConfigCheck } from '../request-context/microservice-check.js';
import { Observer } from '../observe/observer.js';
import { OpenRuns } from '../runs/active-run.js';
import { RunFactory } from '../runs/run-factory.js';
import { ToolRegistry } from '../tools/tool-registry.js';

/**
 * The core providers, once per application: a plain class, because dynamic modules are not merged; and global, so that
 * it is initialized before the modules with handlers.
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
    MicroserviceConfigCheck,
    InstanceContexts,
    Lifecycle,
    OpenRuns,
    PriceBook,
    Reporter,
    RequestContexts,
    RunFactory,
    ToolRegistry,
    Tracer,
    {
      provide: Observer,
      inject: [Dispatcher, OpenRuns, PriceBook, RunFactory, Application],
      useFactory: (
        dispatcher: Dispatcher,
        openRuns: OpenRuns,
        prices: PriceBook,
        runs: RunFactory,
        clients: Application,
      ) =>
        new Observer({
          runtime: { dispatcher, openRuns, prices, clients },
          runs,
          scopeOf: (name) => clients.scopeOf(name),
        }),
    },
    { provide: HandlerSource, useExisting: Explorer },
    { provide: STAND_INS, useClass: StandIns },
    { provide: METHOD_RUNNER, useExisting: Tracer },
    { provide: REQUEST_CONTEXTS, useExisting: RequestContexts },
    { provide: ContextResolver, useExisting: Application },
    { provide: StreamErrorHandler, useClass: SseErrors },
    {
      provide: Symbol('injected clients'),
      inject: [ModulesContainer],
      useFactory: async (modules: ModulesContainer) => {
        // Wait until Nest has resolved the providers' dependencies, so that a test's mocks are in place.
        await nextMacrotask();
        checkInjectedClients(modules.values());
      },
    },
    { provide: APP_INTERCEPTOR, useClass: RequestContextInterceptor },
  ],
  exports: [
    METHOD_RUNNER,
    Tracer,
    Application,
    Background,
    Dispatcher,
    HandlerRegistry,
    Observer,
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
