import { describe } from '@jest/globals';
import { describeProvider, serveProvider } from 'nestjs-llm-callbacks/testing';
import { createClient } from '../../src/llm/create-client.js';
import { WIRES } from '../support/wire/index.js';
import { SCRIPTED } from '../support/wire/scripted.js';

describe.each(WIRES)('$name', (wire) => {
  const { name, provider, model } = wire;
  const format = SCRIPTED[name];
  describeProvider(
    (url) => createClient(wire.client(url), { name: undefined, callbacks: [] })!.provider,
    () => serveProvider(format),
    {
      title: 'The provider',
      model,
      timeoutMs: 20_000,
      capabilities: {
        contextFree: true,
        usage: 'server',
        tools: true,
        schema: true,
        images: true,
        reasoning: true,
      },
      errors: [
        'billing',
        'context_length',
        'model_not_found',
        'timeout',
        ...(provider === 'openai' ? (['content_filter'] as const) : []),
      ],
      streamErrors: true,
      retries: true,
      embeddings: format.embeddings !== undefined,
    },
  );
});
