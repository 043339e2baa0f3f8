import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  BudgetExceededError,
  CallbacksService,
  getLlmToken,
  LlmRateLimitError,
  LlmService,
  NO_USAGE,
} from 'nestjs-llm-callbacks';
import {
  FakeLlm,
  forbidRealLlm,
  overrideLlm,
  RecordingCallbacks,
} from 'nestjs-llm-callbacks/testing';
import { AppModule, Desk, Report } from './app.js';

// #region forbid
let allow: () => void;

beforeEach(() => {
  allow = forbidRealLlm();
});

afterEach(() => allow());
// #endregion

let app: TestingModule | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

// #region override
async function start(fake: FakeLlm) {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  app = await overrideLlm(builder, fake).compile();
  return app.init();
}

it('The desk answers with a fake model', async () => {
  const fake = new FakeLlm(['On Friday.']);
  const desk = (await start(fake)).get(Desk);

  expect(await desk.answer('When will it come?', 'ada')).toBe('On Friday.');
  expect(fake.requests[0]).toMatchObject({
    model: 'gpt-5-mini',
    messages: [{ role: 'user', content: 'When will it come?' }],
  });
});
// #endregion

it('A fake model can replace one client, and another one all others', async () => {
  // #region clients
  const builder = Test.createTestingModule({ imports: [AppModule] });
  overrideLlm(builder, new FakeLlm(['On Friday.']), 'support'); // the client of one feature
  overrideLlm(builder, new FakeLlm(['Something else.'])); // all others
  app = await builder.compile();
  // #endregion
  await app.init();
  const ask = async (llm: LlmService) => (await llm.generate('When?', { userId: 'ada' })).text;
  expect(await ask(app.get(getLlmToken('support'), { strict: false }))).toBe('On Friday.');
});

// #region limits
it('The desk rejects users who are not signed in, or have spent their budget', async () => {
  const usage = { ...NO_USAGE, inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
  const fake = new FakeLlm(() => ({ text: 'On Friday.', usage })); // $0.00045 by the price of gpt-5-mini
  const desk = (await start(fake)).get(Desk);

  await expect(desk.answer('When?')).rejects.toThrow('Sign in first.');
  await desk.answer('When?', 'ada');
  await desk.answer('When?', 'ada');
  await expect(desk.answer('When?', 'ada')).rejects.toBeInstanceOf(BudgetExceededError);
  expect(fake.requests).toHaveLength(2);
});
// #endregion

// #region recording
it('The events of an answer are those of a chain with a call in it', async () => {
  const recording = new RecordingCallbacks();
  const desk = (await start(new FakeLlm(['On Friday.']))).get(Desk);
  const remove = app!.get(CallbacksService).on('*', (event) => recording.onAnyEvent(event));

  await desk.answer('When?', 'ada');
  remove();

  expect(recording.tree()).toMatchObject([
    { kind: 'chain', children: [{ kind: 'llm', events: ['llm.start', 'llm.end'] }] },
  ]);
  expect(recording.of('llm.end')[0]).toMatchObject({ provider: 'openai', userId: 'ada' });
});
// #endregion

// #region agent
it('The agent looks up an order', async () => {
  const fake = new FakeLlm([
    { toolCalls: [{ name: 'findOrder', args: { id: '42' } }] },
    'Order 42 was sent.',
  ]);
  const desk = (await start(fake)).get(Desk);

  expect(await desk.track('Where is order 42?', 'ada')).toBe('Order 42 was sent.');
  expect(fake.requests[1]?.messages.at(-1)).toMatchObject({
    role: 'tool',
    content: '{"id":"42","status":"sent"}',
  });
});
// #endregion

// #region stream
it('A stream yields chunks, and fails with the error of the model', async () => {
  const fake = new FakeLlm(['It comes on Friday.', new LlmRateLimitError('Slow down.')]);
  const llm: LlmService = (await start(fake)).get(getLlmToken('support'), { strict: false });

  const pieces: string[] = [];
  for await (const piece of llm.stream('When?', { userId: 'ada' }).textStream) pieces.push(piece);
  expect(pieces).toEqual(['It', ' comes', ' on', ' Friday.']);

  const failing = llm.stream('When?', { userId: 'ada' }).response;
  await expect(failing).rejects.toBeInstanceOf(LlmRateLimitError);
});
// #endregion

// #region flush
it('The report is written in the background', async () => {
  const module = await start(new FakeLlm(['On Friday.']));
  await module.get(Desk).answer('When?', 'ada');

  await module.get(CallbacksService).flush();
  expect(module.get(Report).lines).toEqual(['ada: openai/gpt-5-mini']);
});
// #endregion

// #region answering
it('A fake model can answer by the request', async () => {
  const fake = new FakeLlm(({ messages }, number) =>
    /order/.test(JSON.stringify(messages)) ? 'It was sent.' : `Answer ${number}`,
  );
  const desk = (await start(fake)).get(Desk);

  expect(await desk.answer('Where is my order?', 'ada')).toBe('It was sent.');
  expect(await desk.answer('Hello!', 'ada')).toBe('Answer 2');
});
// #endregion
