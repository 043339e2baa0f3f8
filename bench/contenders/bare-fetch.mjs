// No SDK: `fetch`, and the fastest reading of the answer that one would write by hand for one provider.
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';
import { anthropicTool, openAiTool, reportTool } from './tools.mjs';

const MESSAGES = [{ role: 'user', content: PROMPT }];
const WIRES = {
  openai: {
    path: '/chat/completions',
    headers: { authorization: 'Bearer none' },
    body: {
      model: MODELS.openai,
      messages: MESSAGES,
      max_completion_tokens: MAX_TOKENS,
      stream: true,
      stream_options: { include_usage: true },
    },
    tools: [openAiTool(reportTool)],
    prefix: 'data: ',
    count: countOpenAi,
  },
  anthropic: {
    path: '/v1/messages',
    headers: { 'x-api-key': 'none', 'anthropic-version': '2023-06-01' },
    body: { model: MODELS.anthropic, messages: MESSAGES, max_tokens: MAX_TOKENS, stream: true },
    tools: [anthropicTool(reportTool)],
    prefix: '\ndata: ',
    count: countAnthropic,
  },
};

export function setUp({ wire, baseURL, answer }) {
  const { path, headers, body, tools, prefix, count } = WIRES[wire];
  const pieces = answer === 'toolStream' ? 'deltas' : 'chunks';
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  };
  const asked = answer === 'toolStream' ? { ...body, tools } : body;
  const ask = async () => {
    const response = await fetch(`${baseURL}${path}`, { ...request, body: JSON.stringify(asked) });
    if (!response.ok) throw new Error(await response.text());
    const work = { [pieces]: 0, characters: 0, inputTokens: 0, outputTokens: 0 };
    await readEvents(response.body, prefix, (event) => count(event, work, pieces));
    return work;
  };
  return { run: (times) => repeat(times, ask), close: () => undefined };
}

/** Tells the data of each event, parsed; `prefix` is what stands right in front of it. */
async function readEvents(body, prefix, tell) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (rest + decoder.decode(part.value, { stream: true })).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.slice(event.indexOf(prefix) + prefix.length);
      if (data !== '[DONE]') tell(JSON.parse(data));
    }
  }
}

function countOpenAi({ choices, usage }, work, pieces) {
  const delta = choices[0]?.delta;
  const piece = pieces === 'chunks' ? delta?.content : delta?.tool_calls?.[0].function.arguments;
  if (piece) {
    work[pieces]++;
    work.characters += piece.length;
  }
  if (usage) {
    work.inputTokens = usage.prompt_tokens;
    work.outputTokens = usage.completion_tokens;
  }
}

function countAnthropic({ type, delta, message, usage }, work, pieces) {
  if (type === 'content_block_delta') {
    const piece = delta.text ?? delta.partial_json;
    if (piece) work[pieces]++;
    work.characters += piece.length;
  } else if (type === 'message_start') work.inputTokens = message.usage.input_tokens;
  else if (type === 'message_delta') work.outputTokens = usage.output_tokens;
}
