/** Answers of each wire format with nearly all of its fields. */
export const RICH_ANSWERS = {
  chat: [
    {
      id: 'chat-9',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4o-mini',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: [{ type: 'text', text: 'I look.' }] },
              { type: 'text', text: 'It is there.' },
            ],
            reasoning: 'I look.',
            reasoning_details: [{ type: 'reasoning.summary', summary: 'I look.' }],
            extra_content: { google: { thought_signature: 'SG' } },
            annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.test' } }],
            tool_calls: [
              {
                id: 'call_1',
                type: 'function',
                index: 0,
                extra_content: { google: { thought_signature: 'SG' } },
                function: { name: 'lookup', arguments: '{"a":1}' },
              },
              { id: 'call_2', type: 'custom', custom: { name: 'shell', input: 'ls' } },
              { id: 'call_3', type: 'function', function: { name: 'refund', arguments: '{}' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: {
        prompt_tokens: 30,
        completion_tokens: 20,
        total_tokens: 50,
        prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 7 },
        cache_creation: { ephemeral_1h_input_tokens: 3 },
      },
    },
    {
      id: 'chat-10',
      model: 'gpt-4o-mini',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, refusal: 'I cannot.' },
          finish_reason: 'stop',
          usage: { prompt_tokens: 3, completion_tokens: 2 },
        },
      ],
    },
    {
      choices: [{ text: 'As completions have it.', finish_reason: 'length' }],
      x_groq: { usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    },
    { error: { type: 'rate_limit_error', code: 'rate_limit', message: 'Too many.', status: 429 } },
  ],
  responses: [
    {
      id: 'resp_9',
      object: 'response',
      status: 'completed',
      model: 'gpt-5-mini',
      store: true,
      output: [
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'I look.' }],
          content: [{ type: 'reasoning_text', text: 'I look.' }],
          encrypted_content: 'gAAA',
        },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'commentary',
          content: [
            { type: 'output_text', text: 'It is there.', annotations: [{ type: 'file_citation' }] },
          ],
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'call_1',
          name: 'lookup',
          arguments: '{"a":1}',
          status: 'completed',
        },
        { type: 'custom_tool_call', id: 'ct_1', call_id: 'call_2', name: 'shell', input: 'ls' },
        { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'gAAB' },
        { type: 'function_call', id: 'fc_2', call_id: 'call_3', name: 'refund', arguments: '{}' },
      ],
      usage: {
        input_tokens: 30,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 7 },
        total_tokens: 50,
      },
    },
    {
      id: 'resp_10',
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
      model: 'gpt-4o-mini',
      output_text: 'Ready.',
      output: [
        {
          type: 'message',
          id: 'msg_2',
          role: 'assistant',
          content: [{ type: 'refusal', refusal: 'I cannot.' }],
        },
      ],
    },
    { status: 'failed', error: { code: 'server_error', message: 'It broke.' }, output: [] },
  ],
  anthropic: [
    {
      id: 'msg_9',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5',
      container: { id: 'container_1', expires_at: '2030-01-01T00:00:00Z' },
      content: [
        { type: 'compaction', content: 'So far.' },
        { type: 'thinking', thinking: 'I look.', signature: 'EqQB' },
        { type: 'redacted_thinking', data: 'Emw' },
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'it' } },
        {
          type: 'web_search_tool_result',
          tool_use_id: 'srvtoolu_1',
          content: [{ type: 'web_search_result', url: 'https://a.test', encrypted_content: 'E' }],
        },
        {
          type: 'text',
          text: 'It is there.',
          citations: [{ type: 'web_search_result_location', url: 'https://a.test' }],
        },
        { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { a: 1 } },
        {
          type: 'tool_use',
          id: 'toolu_2',
          name: 'refund',
          input: {},
          caller: { type: 'code_execution_20250825', tool_id: 'srvtoolu_1' },
        },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: 30,
        cache_read_input_tokens: 10,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
        output_tokens: 20,
        output_tokens_details: { thinking_tokens: 7 },
        iterations: [
          { type: 'compaction', input_tokens: 20, output_tokens: 3 },
          { type: 'message', input_tokens: 30, output_tokens: 20, cache_read_input_tokens: 10 },
        ],
      },
    },
    { type: 'error', error: { type: 'overloaded_error', message: 'Busy.' } },
  ],
} as const;
