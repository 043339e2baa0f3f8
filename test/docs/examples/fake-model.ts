import { FakeLlm } from 'nestjs-llm-callbacks/testing';

/** What the examples call `model`, in place of `{ provider: 'openai', model: 'gpt-5-mini' }`. */
export const model = {
  provider: new FakeLlm(Array.from({ length: 100 }, () => 'Once upon a time.')),
  model: 'gpt-5-mini',
};
