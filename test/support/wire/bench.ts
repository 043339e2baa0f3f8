import { afterEach, beforeEach } from '@jest/globals';
import type {
  DynamicModule,
  INestApplication,
  INestApplicationContext,
  LoggerService,
  Provider,
  Type,
} from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  CostTracker,
  LlmService,
  type CallbacksModuleOptions,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { anthropic } from './anthropic.js';
import { openai } from './openai.js';
import { responses } from './responses.js';
import { expectRunsThatEndedOnce } from './runs.js';
import { WireServer } from './server.js';
import type { WireFormat } from './wire-format.js';

/** The wire formats that every test of all providers covers. */
export const WIRES: readonly WireFormat[] = [openai, anthropic, responses];

/** Errors of failing handlers are logged, and these handlers fail on purpose. */
const SILENT: LoggerService = { log() {}, warn() {}, error() {} };

/** The options of a bench's application that differ from the plain one. */
export interface BenchOptions extends Omit<CallbacksModuleOptions, 'llm'> {
  readonly llm?: Partial<LlmOptions> | ((origin: string) => Partial<LlmOptions>);
  readonly providers?: Provider[];
  readonly controllers?: Type[];
  readonly imports?: (origin: string) => DynamicModule[];
  /** Creates the adapter of an application that listens. */
  readonly http?: () => AbstractHttpAdapter;
}

/** A provider's server, an application that calls it, and its recorded events. */
export class Bench {
  server!: WireServer;
  app!: INestApplicationContext;
  recording!: RecordingCallbacks;

  constructor(
    readonly wire: WireFormat,
    private readonly options: BenchOptions = {},
  ) {}

  get llm(): LlmService {
    return this.app.get(LlmService);
  }

  get costs(): CostTracker {
    return this.app.get(CostTracker);
  }

  /** The address of the application. */
  get url(): Promise<string> {
    return (this.app as INestApplication).getUrl();
  }

  async open(): Promise<void> {
    const { llm = {}, http, callbacks = [], ...options } = this.options;
    const { providers = [], controllers = [], imports = () => [], ...rest } = options;
    this.server = await WireServer.listen();
    this.recording = new RecordingCallbacks();
    const { origin } = this.server;
    const own = typeof llm === 'function' ? llm(origin) : llm;
    const root = CallbacksModule.forRoot({
      ...rest,
      llm: { ...this.wire.client(origin), ...own },
      callbacks: [this.recording, ...callbacks],
    });
    const module = await Test.createTestingModule({
      imports: [root, ...imports(origin)],
      providers: [CostTracker, ...providers],
      controllers,
    })
      .setLogger(SILENT)
      .compile();
    this.app = http ? module.createNestApplication(http(), { logger: SILENT }) : module;
    if (http) await (this.app as INestApplication).listen(0, '127.0.0.1');
    else await this.app.init();
  }

  /** Closes everything, and checks that each run ended once. */
  async close(): Promise<void> {
    await this.app.close();
    await this.server.close();
    // Jest fails a test with unhandled rejections; Node reports them after the microtasks.
    await new Promise(setImmediate);
    expectRunsThatEndedOnce(this.recording.events);
  }
}

/** A new bench for each test. */
export function useBench(wire: WireFormat, options?: BenchOptions): Bench {
  const bench = new Bench(wire, options);
  beforeEach(() => bench.open());
  afterEach(() => bench.close());
  return bench;
}
