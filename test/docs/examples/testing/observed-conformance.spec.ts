import {
  describeObserved,
  serveProvider,
  type MakeObserved,
  type ObservedCallOptions,
} from 'nestjs-llm-callbacks/testing';
import OpenAI from 'openai';
import { chatCompletions } from './chat-wire.js';

const make: MakeObserved = ({ callbacks, url, model }) => {
  const openai = new OpenAI({
    baseURL: url + '/v1',
    apiKey: 'none',
    maxRetries: 0,
    fetch: callbacks.fetch(),
  });
  const asked = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  return {
    async generate(prompt: string, options?: ObservedCallOptions) {
      const { choices } = await openai.chat.completions.create(asked(prompt), options);
      return choices[0]?.message.content ?? '';
    },
    async *stream(prompt: string, options?: ObservedCallOptions) {
      const body = { ...asked(prompt), stream: true as const };
      for await (const { choices } of await openai.chat.completions.create(body, options))
        yield choices[0]?.delta.content ?? '';
    },
  };
};

describeObserved(make, () => serveProvider(chatCompletions), {
  title: 'A client with callbacks.fetch()',
  origin: 'fetch',
});
