import { Injectable, type Provider } from '@nestjs/common';
import { CallbacksService, Chain, LlmService, type LlmStream } from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { always, startApp } from './app.js';

/** The events of a chain that completed. */
export const ENDED = ['chain.start', 'chain.end'];
/** The events of a chain that failed. */
export const FAILED = ['chain.start', 'chain.error'];
/** A model call in a tree of runs. */
export const ASKED = { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] };

/** Waits until all pending work has run. */
export const macrotask = () => new Promise(setImmediate);

/** Chains with every kind of result. */
@Injectable()
export class Work {
  constructor(readonly llm: LlmService) {}

  @Chain()
  give<T>(value: T): T {
    return value;
  }

  @Chain()
  async giveLater<T>(value: T): Promise<T> {
    return value;
  }

  @Chain()
  ask(): LlmStream {
    return this.llm.stream('Hi');
  }

  @Chain()
  async *talk(): AsyncGenerator<string> {
    yield (await this.llm.generate('one')).text;
    yield (await this.llm.generate('two')).text;
  }
}

/** An application and its recorded events. */
export async function startRecorded(
  providers: Provider[],
  options: Parameters<typeof startApp>[1] = {},
) {
  const recording = new RecordingCallbacks();
  const app = await startApp({ providers }, { callbacks: [recording], ...options });
  const callbacks = app.module.get(CallbacksService);
  const types = () => recording.events.map(({ type }) => type);
  return { ...app, recording, callbacks, types };
}

/** {@link startRecorded} with {@link Work}. */
export async function startWork(answer: FakeAnswer = 'Hello, world') {
  const app = await startRecorded([Work], { answers: always(answer) });
  return { ...app, work: app.module.get(Work) };
}
