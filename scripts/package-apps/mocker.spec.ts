import { createMock } from '@golevelup/ts-jest';
import { Test } from '@nestjs/testing';
import { CallbacksModule, LlmService } from 'nestjs-llm-callbacks';
import {
  FakeLlm,
  fakeLlmResponse,
  forbidRealLlm,
  overrideLlm,
  RealLlmCallError,
  RecordingCallbacks,
} from 'nestjs-llm-callbacks/testing';
import { Desk, Texts } from './desk.js';

beforeAll(() => void forbidRealLlm());

it.each([
  ['createMock()', (): object => createMock()],
  ['empty objects', (): object => ({})],
])('useMocker() with %s runs decorated methods', async (_what, mock) => {
  const llm = { generate: () => Promise.resolve(fakeLlmResponse({ text: 'hello' })) };
  const unit = await Test.createTestingModule({ providers: [Desk, Texts] })
    .useMocker((token) => (token === LlmService ? llm : mock()))
    .compile();

  expect(await unit.get(Desk).answer('hi')).toBe('hello');
  expect(unit.get(Desk).count('four')).toBe(4);
  expect(await unit.get(Texts).find('lamp')).toEqual(['lamp']);
});

const root = (callbacks: object[], apiKey?: string) =>
  CallbacksModule.forRoot({
    llm: { provider: 'openai', model: 'gpt-5-mini', ...(apiKey !== undefined && { apiKey }) },
    callbacks,
  });

it('overrideLlm() needs neither a key nor the SDK', async () => {
  const recording = new RecordingCallbacks();
  const providers = [Desk, Texts];
  const builder = Test.createTestingModule({ imports: [root([recording])], providers });
  const app = await overrideLlm(builder, new FakeLlm(['hello'])).compile();
  await app.init();

  expect(await app.get(Desk).answer('hi')).toBe('hello');
  expect(recording.of('llm.end')[0]).toMatchObject({ provider: 'openai', model: 'gpt-5-mini' });
  await app.close();
});

it('forbidRealLlm() refuses what is not overridden, before the SDK is looked for', async () => {
  const app = await Test.createTestingModule({ imports: [root([], 'key')] }).compile();
  const asking = app.get(LlmService).generate('hi');
  await expect(asking).rejects.toBeInstanceOf(RealLlmCallError);
});
