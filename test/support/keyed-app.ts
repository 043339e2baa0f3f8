import { afterEach, beforeEach } from '@jest/globals';
import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CallbacksModule,
  CallbacksService,
  LlmService,
  type CallbacksModuleOptions,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from './app.js';
import { KeyServer } from './key-server.js';
import { testLogger } from './logs.js';
import type { WireFormat } from './wire/index.js';

const CREDENTIALS = [
  'OPENAI_API_KEY',
  'OPENAI_ORG_ID',
  'OPENAI_PROJECT_ID',
  'OPENAI_BASE_URL',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
];

export interface KeyedApp {
  readonly module: TestingModule;
  readonly llm: LlmService;
  readonly callbacks: CallbacksService;
  readonly recording: RecordingCallbacks;
}

/** The options of an application that differ from the plain one. */
export interface KeyedOptions extends Omit<CallbacksModuleOptions, 'llm'> {
  readonly llm?: Partial<LlmOptions>;
  readonly imports?: DynamicModule[];
  readonly metadata?: ModuleMetadata;
}

/** A server that answers with the keys of its requests, and applications that call it; a new one for each test. */
export class KeyBench {
  server!: KeyServer;

  constructor(readonly wire: WireFormat) {}

  /** The options of a client without a key that calls the server. */
  get llm(): LlmOptions {
    const { apiKey: _apiKey, ...llm } = this.wire.client(this.server.origin);
    return llm;
  }

  async start(options: KeyedOptions = {}): Promise<KeyedApp> {
    const { llm, imports = [], metadata, callbacks = [], ...rest } = options;
    const recording = new RecordingCallbacks();
    const root = CallbacksModule.forRoot({
      ...rest,
      llm: { ...this.llm, ...llm },
      callbacks: [recording, ...callbacks],
    });
    const module = await Test.createTestingModule({ ...metadata, imports: [root, ...imports] })
      .setLogger(testLogger)
      .compile();
    willClose(module);
    await module.init();
    return {
      module,
      recording,
      llm: module.get(LlmService),
      callbacks: module.get(CallbacksService),
    };
  }
}

/** The environment contains no keys meanwhile. */
export function useKeyBench(wire: WireFormat): KeyBench {
  const bench = new KeyBench(wire);
  let environment: NodeJS.ProcessEnv;
  beforeEach(async () => {
    environment = { ...process.env };
    for (const name of CREDENTIALS) delete process.env[name];
    bench.server = await KeyServer.listen(wire);
  });
  afterEach(async () => {
    process.env = environment;
    await closeApps();
    await bench.server.close();
  });
  return bench;
}
