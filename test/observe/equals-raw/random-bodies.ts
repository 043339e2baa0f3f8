import { mutateJson } from '../../support/fuzz/mutate-json.js';
import type { Random } from '../../support/wire/random.js';

type Body = Record<string, unknown>;

const SCHEMA = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
const PIXEL = 'iVBORw0KGgo=';

/** Fields that any server may know, and this library does not. */
function others(random: Random): Body {
  return {
    ...(random.chance(0.3) && { temperature: random.next() }),
    ...(random.chance(0.2) && { metadata: { [random.text(2)]: random.text(3) } }),
    ...(random.chance(0.2) && { a_new_field: JSON.parse(random.json()) as unknown }),
    ...(random.chance(0.1) && { large: 12_345_678_901_234_567_890n.toString(), small: 1e-7 }),
  };
}

/** Some bodies are wrong in one place: a server would refuse them, or not. */
function sometimesWrong(random: Random, body: Body): Body {
  if (!random.chance(0.15)) return body;
  const root = { value: { ...body } as unknown };
  mutateJson(random, root);
  const { value } = root;
  // The SDKs read the model before they send anything.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { ...value, model: body['model'] }
    : body;
}

function turns(random: Random, user: (text: string) => unknown): object[] {
  return random.times(1, 4, (index) =>
    index % 2 === 0
      ? { role: 'user', content: user(random.text()) }
      : { role: 'assistant', content: random.text() },
  );
}

/** The body of a random request for a chat completion. */
export function randomChatBody(random: Random): Body {
  const parts = (text: string) => [
    { type: 'text', text },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
  ];
  const system = random.chance(0.4) ? [{ role: 'system', content: random.text() }] : [];
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'lookup', arguments: random.json() },
  };
  const results = [
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_1', content: random.text() },
  ];
  return sometimesWrong(random, {
    messages: [
      ...system,
      ...turns(random, (text) => (random.chance(0.2) ? parts(text) : text)),
      ...(random.chance(0.3) ? results : []),
    ],
    model: random.pick(['gpt-4o-mini', 'gpt-5-mini', 'an-own-model']),
    ...(random.chance(0.4) && { max_completion_tokens: random.int(1, 4_000) }),
    ...(random.chance(0.4) && {
      tools: [{ type: 'function', function: { name: 'lookup', parameters: SCHEMA } }],
    }),
    ...(random.chance(0.2) && { tool_choice: 'auto', parallel_tool_calls: false }),
    ...(random.chance(0.2) && { stop: [random.text(1)] }),
    ...others(random),
  });
}

/** The body of a random request for a response. */
export function randomResponsesBody(random: Random): Body {
  const items = () => [
    ...turns(random, (text) => text),
    ...(random.chance(0.3)
      ? [
          { type: 'function_call', call_id: 'c', name: 'lookup', arguments: random.json() },
          { type: 'function_call_output', call_id: 'c', output: random.text() },
        ]
      : []),
  ];
  return sometimesWrong(random, {
    model: random.pick(['gpt-4o-mini', 'gpt-5-mini', 'an-own-model']),
    input: random.chance(0.4) ? random.text() : items(),
    ...(random.chance(0.3) && { instructions: random.text() }),
    ...(random.chance(0.4) && { max_output_tokens: random.int(16, 4_000) }),
    ...(random.chance(0.3) && {
      tools: [{ type: 'function', name: 'lookup', parameters: SCHEMA, strict: false }],
    }),
    ...(random.chance(0.2) && { reasoning: { effort: 'low' }, store: false }),
    ...others(random),
  });
}

/** The body of a random request for a message. */
export function randomMessagesBody(random: Random): Body {
  const parts = (text: string) => [
    { type: 'text', text, cache_control: { type: 'ephemeral' } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
  ];
  const results = [
    {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { id: random.text(2) } }],
    },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: random.text() }],
    },
  ];
  return sometimesWrong(random, {
    max_tokens: random.int(1, 4_000),
    model: random.pick(['claude-haiku-4-5', 'an-own-model']),
    messages: [
      ...turns(random, (text) => (random.chance(0.2) ? parts(text) : text)),
      ...(random.chance(0.3) ? results : []),
    ],
    ...(random.chance(0.3) && { system: random.text() }),
    ...(random.chance(0.4) && { tools: [{ name: 'lookup', input_schema: SCHEMA }] }),
    ...others(random),
  });
}

/** The body of a random request for embeddings. */
export function randomEmbeddingsBody(random: Random): Body {
  return sometimesWrong(random, {
    input: random.pick<() => unknown>([
      () => random.text(),
      () => random.times(1, 3, () => random.text()),
      () => random.times(1, 5, () => random.int(0, 50_000)),
    ])(),
    model: random.pick(['text-embedding-3-small', 'an-own-model']),
    ...(random.chance(0.5) && { encoding_format: random.pick(['float', 'base64']) }),
    ...(random.chance(0.3) && { dimensions: random.int(1, 256) }),
    ...others(random),
  });
}
