import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CallbackAbort,
  CallbacksModule,
  CallbacksService,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  LlmService,
  type CallbacksError,
  type LlmProvider,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { ask, errorOf, METHODS, readOne } from '../support/wire/index.js';
import { expectRunsThatEndedOnce } from '../support/wire/runs.js';

const THROWN = new Error('Its own error.');
const LIMITED = new LlmRateLimitError('Slow down.');
const text = { type: 'text', text: 'Hello' } as const;

const fails = (error: Error) => () => {
  throw error;
};

interface Row {
  what: string;
  generate: () => unknown;
  /** The chunks of the stream; by default the result of `generate`. */
  stream?: () => unknown;
  is: new (message: string) => CallbacksError;
  cause?: unknown;
}

/** What handwritten providers, or providers in plain JavaScript, can return. */
const ROWS: Row[] = [
  { what: 'gives nothing', generate: () => undefined, is: LlmResponseError },
  { what: 'gives null', generate: () => null, is: LlmResponseError },
  { what: 'gives a text', generate: () => 'Hello', is: LlmResponseError },
  { what: 'gives no usage', generate: () => ({ text: 'Hello' }), is: LlmResponseError },
  { what: 'gives no text', generate: () => ({ usage: {} }), is: LlmResponseError },
  {
    what: 'rejects with an error of its own',
    generate: () => Promise.reject(THROWN),
    is: LlmServerError,
    cause: THROWN,
  },
  {
    what: 'throws an error of its own at once',
    generate: fails(THROWN),
    stream: fails(THROWN),
    is: LlmServerError,
    cause: THROWN,
  },
  {
    what: 'throws an error of the tree',
    generate: fails(LIMITED),
    stream: fails(LIMITED),
    is: LlmRateLimitError,
  },
  {
    what: 'ends its stream without a result',
    generate: () => undefined,
    stream: async function* () {
      yield text;
    },
    is: LlmResponseError,
  },
  {
    what: 'returns no stream',
    generate: () => undefined,
    stream: () => undefined,
    is: LlmServerError,
  },
];

describe('An application’s own provider', () => {
  let module: TestingModule;
  let recording: RecordingCallbacks;
  const given: Pick<Row, 'generate' | 'stream'> = { generate: () => undefined };
  const provider = {
    name: 'own',
    generate: () => given.generate(),
    stream: () =>
      (
        given.stream ??
        async function* () {
          yield await given.generate();
        }
      )(),
  } as unknown as LlmProvider;

  beforeEach(async () => {
    recording = new RecordingCallbacks();
    module = await Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot({ llm: { provider, model: 'own-1' }, callbacks: [recording] }),
      ],
    }).compile();
    await module.init();
  });

  afterEach(async () => {
    await module.close();
    expectRunsThatEndedOnce(recording.events);
  });

  const rows = ROWS.flatMap((row) =>
    METHODS.filter((method) => method === 'stream' || row.stream === undefined || row.cause).map(
      (method) => ({ ...row, method }),
    ),
  );

  it.each(rows)(
    'that $what fails as $is.name, by $method',
    async ({ method, is, cause, ...row }) => {
      Object.assign(given, { stream: undefined }, row);
      const error = await errorOf(ask(module.get(LlmService), method));
      expect(error.constructor).toBe(is);
      expect(cause === undefined || error.cause === cause).toBe(true);
      expect(recording.of('llm.error')).toMatchObject([{ error, provider: 'own', model: 'own-1' }]);
    },
  );

  it('can report any numbers as usage, which are corrected', async () => {
    const usage = { inputTokens: Number.NaN, outputTokens: 3, cachedInputTokens: -1 };
    given.generate = () => ({ text: 'Hello', usage });
    const response = await module.get(LlmService).generate('Hi');
    expect(response).toMatchObject({ id: '', model: 'own-1', text: 'Hello' });
    expect(response.usage).toEqual({
      inputTokens: 0,
      outputTokens: 3,
      totalTokens: 3,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
      reasoningTokens: 0,
      source: 'provider',
    });
  });

  it('has its stream closed, however the call ends', async () => {
    for (const stop of ['break', 'abort', 'hook'] as const) {
      let closed = false;
      given.stream = async function* () {
        try {
          for (;;) yield text;
        } finally {
          closed = true;
        }
      };
      const gate = {
        onLlmStreamChunk: () => {
          if (stop === 'hook') throw new CallbackAbort('Enough.');
        },
      };
      const stream = module.get(LlmService).stream('Hi', { callbacks: [gate] });
      if (stop === 'break') await readOne(stream);
      else {
        const reader = stream[Symbol.asyncIterator]();
        await reader.next().catch(() => undefined);
        if (stop === 'abort') stream.abort('enough');
        await reader.return!();
      }
      expect({ stop, closed }).toEqual({ stop, closed: true });
    }
  });

  it('starts runs as its children, also in a stream that is read elsewhere', async () => {
    const llm = module.get(LlmService);
    const callbacks = module.get(CallbacksService);
    const result = { text: 'Hello', usage: {} };
    given.generate = () => result;
    given.stream = async function* () {
      yield text;
      await llm.generate('And?');
      yield result;
    };
    const stream = callbacks.run({ userId: 'ada' }, () => llm.stream('Hi'));
    await callbacks.run({ userId: 'bob' }, async () => {
      for await (const _ of stream);
    });
    const [outer, inner] = recording.of('llm.start');
    expect(inner).toMatchObject({ userId: 'ada', parentRunId: outer!.runId });
  });
});
