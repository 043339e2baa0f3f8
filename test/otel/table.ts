import type { Semconv } from 'nestjs-llm-callbacks/otel';

/** A span as the table has it: without times and ids. */
export interface Row {
  /** Indented below its parent. */
  readonly name: string;
  readonly kind: 'CLIENT' | 'INTERNAL';
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events?: readonly { readonly name: string; readonly attributes?: object }[];
  readonly status?: { readonly code: string; readonly message: string };
}

/** Any number of seconds, or of a port. */
export const SECONDS = 'seconds';
const PORT = 'port';

const IDENTITY = {
  'gen_ai.conversation.id': 'c-1',
  'user.id': 'ada',
  'nestjs_llm_callbacks.tenant.id': 'acme',
};

const OPENAI = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o-mini',
  'server.address': '127.0.0.1',
  'server.port': PORT,
};

const usage = (input: number, output: number) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
});

const answered = (finish: string) => ({
  'gen_ai.response.id': 'chatcmpl-1',
  'gen_ai.response.model': 'gpt-4o-mini',
  'gen_ai.response.finish_reasons': [finish],
});

const WHOLE = { 'openai.api.type': 'chat_completions' };

/** The spans of the scenario, in the order of their starts. */
export function table(semconv: Semconv): Row[] {
  const before = semconv !== 'latest';
  const written = (tokens: number) => ({
    ...(semconv !== 'v1.41' && { 'gen_ai.usage.cache_write.input_tokens': tokens }),
    ...(before && { 'gen_ai.usage.cache_creation.input_tokens': tokens }),
  });
  return [
    {
      name: 'invoke_workflow answer-ticket',
      kind: 'INTERNAL',
      attributes: {
        'gen_ai.operation.name': 'invoke_workflow',
        'gen_ai.workflow.name': 'answer-ticket',
        ...IDENTITY,
      },
      events: [{ name: 'ticket.opened' }],
    },
    {
      name: '  retrieval handbook',
      kind: 'CLIENT',
      attributes: {
        'gen_ai.operation.name': 'retrieval',
        'gen_ai.data_source.id': 'handbook',
        ...IDENTITY,
      },
    },
    {
      name: '  invoke_agent default',
      kind: 'INTERNAL',
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'default',
        'gen_ai.request.model': 'gpt-4o-mini',
        ...(before && { 'gen_ai.provider.name': 'openai' }),
        ...IDENTITY,
        ...usage(250, 30),
        ...(semconv === 'v1.41' && { 'gen_ai.usage.cache_read.input_tokens': 40 }),
        'gen_ai.response.finish_reasons': ['stop'],
        'nestjs_llm_callbacks.cost': 0.0000525,
      },
    },
    {
      name: '    chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        ...IDENTITY,
        ...usage(100, 20),
        'gen_ai.usage.cache_read.input_tokens': 40,
        ...answered('tool_call'),
        ...WHOLE,
        'nestjs_llm_callbacks.cost': 0.000024,
      },
    },
    {
      name: '    execute_tool orders',
      kind: 'INTERNAL',
      attributes: { ...tool('orders', 'call_1'), ...IDENTITY },
    },
    {
      name: '    execute_tool parcels',
      kind: 'INTERNAL',
      attributes: {
        ...tool('parcels', 'call_2'),
        ...IDENTITY,
        'error.type': 'tool_execution',
      },
      // Without content, not the text of the tool's error.
      status: { code: 'ERROR', message: 'ToolExecutionError (code tool_execution)' },
    },
    {
      name: '    chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        ...IDENTITY,
        ...usage(150, 10),
        ...answered('stop'),
        ...WHOLE,
        'nestjs_llm_callbacks.cost': 0.0000285,
      },
    },
    {
      name: '  chain summary',
      kind: 'INTERNAL',
      attributes: { 'nestjs_llm_callbacks.chain.name': 'summary', ...IDENTITY },
    },
    {
      name: '    chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        ...IDENTITY,
        'gen_ai.request.temperature': 0.5,
        'gen_ai.request.max_tokens': 50,
        'gen_ai.request.stop_sequences': ['END'],
        'gen_ai.request.seed': 7,
        'gen_ai.request.top_p': 0.9,
        'openai.request.service_tier': 'flex',
        ...usage(30, 5),
        ...answered('stop'),
        ...WHOLE,
        'nestjs_llm_callbacks.attempts': 2,
        'nestjs_llm_callbacks.cost': 0.0000075,
      },
      events: [
        {
          name: 'retry',
          attributes: {
            'nestjs_llm_callbacks.retry.attempt': 1,
            'nestjs_llm_callbacks.retry.delay': SECONDS,
            'error.type': 'overloaded',
          },
        },
      ],
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        'gen_ai.request.max_tokens': 9,
        ...usage(60, 5),
        'gen_ai.usage.cache_read.input_tokens': 20,
        ...written(30),
        'gen_ai.response.id': 'msg_1',
        'gen_ai.response.model': 'claude-haiku-4-5',
        'gen_ai.response.finish_reasons': ['stop'],
        'nestjs_llm_callbacks.attempts': 2,
        'nestjs_llm_callbacks.response.provider': 'anthropic',
        'nestjs_llm_callbacks.cost': 0.0000745,
      },
      events: [
        {
          name: 'retry',
          attributes: {
            'nestjs_llm_callbacks.retry.attempt': 1,
            'nestjs_llm_callbacks.retry.delay': SECONDS,
            'error.type': 'server_error',
          },
        },
      ],
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        ...usage(8, 2),
        ...answered('stop'),
        ...WHOLE,
        'nestjs_llm_callbacks.cost': 0.0000024,
      },
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      // No usage: it was that of the call before.
      attributes: {
        ...OPENAI,
        ...answered('stop'),
        'nestjs_llm_callbacks.cached': true,
        'nestjs_llm_callbacks.cost': 0,
      },
      events: [{ name: 'cache', attributes: { 'nestjs_llm_callbacks.cache.age': SECONDS } }],
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        'gen_ai.request.stream': true,
        // Estimated, because the server was not asked for its counts.
        ...usage(6, 1),
        'gen_ai.response.model': 'gpt-4o-mini',
        'gen_ai.response.finish_reasons': ['error'],
        'gen_ai.response.time_to_first_chunk': SECONDS,
        'nestjs_llm_callbacks.cost': 0.0000015,
      },
      events: [{ name: 'first_chunk' }],
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        'gen_ai.request.stream': true,
        ...usage(8, 2),
        ...answered('stop'),
        'gen_ai.response.time_to_first_chunk': SECONDS,
        'nestjs_llm_callbacks.cost': 0.0000024,
      },
      events: [{ name: 'first_chunk' }],
    },
    {
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        'gen_ai.response.finish_reasons': ['error'],
        'error.type': 'invalid_request',
        'nestjs_llm_callbacks.cost': 0,
      },
      status: {
        code: 'ERROR',
        message:
          'openai refused the request: check the model, the messages and the options (status 400).',
      },
    },
    {
      name: 'embeddings text-embedding-3-small',
      kind: 'CLIENT',
      attributes: {
        ...OPENAI,
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.request.model': 'text-embedding-3-small',
        'gen_ai.embeddings.dimension.count': 2,
        'gen_ai.response.model': 'text-embedding-3-small',
        ...usage(4, 0),
        'nestjs_llm_callbacks.cost': 0.00000008,
      },
    },
  ];
}

function tool(name: string, id: string) {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': id,
    'gen_ai.agent.name': 'default',
  };
}

/** The name of the attribute with an id of its own, and of those that are measured. */
export const RUN_ID = 'nestjs_llm_callbacks.run.id';
const MEASURED: Readonly<Record<string, string>> = {
  'server.port': PORT,
  'gen_ai.response.time_to_first_chunk': SECONDS,
  'nestjs_llm_callbacks.retry.delay': SECONDS,
  'nestjs_llm_callbacks.cache.age': SECONDS,
};

/** Attributes in the form of the table. */
export function measured(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name !== RUN_ID)
      .map(([name, value]) => [
        name,
        Object.hasOwn(MEASURED, name) && typeof value === 'number' && value >= 0
          ? MEASURED[name]
          : name.endsWith('.cost')
            ? Number((value as number).toPrecision(6))
            : value,
      ]),
  );
}
