import type { ProviderWire, ScriptedAnswer } from 'nestjs-llm-callbacks/testing';

/** Writes what the kit scripts as chat completions. */
export const chatCompletions: ProviderWire = {
  whole: (answer) => ({
    ...head(answer),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answer.text.join('') },
        finish_reason: 'stop',
      },
    ],
    usage: usageOf(answer),
  }),
  pieces: (answer) => answer.text.map((content) => chunk(answer, { content })),
  end: (answer) => [
    chunk(answer, {}, 'stop'),
    frame({
      ...head(answer),
      object: 'chat.completion.chunk',
      choices: [],
      usage: usageOf(answer),
    }),
    'data: [DONE]\n\n',
  ],
  error: ({ code, message }) => ({ error: { type: code, code, message } }),
};

const head = ({ model }: ScriptedAnswer) => ({ id: 'chatcmpl-1', created: 0, model });
const frame = (value: object) => `data: ${JSON.stringify(value)}\n\n`;

function chunk(answer: ScriptedAnswer, delta: object, finish: 'stop' | null = null) {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return frame({ ...head(answer), object: 'chat.completion.chunk', choices });
}

function usageOf({
  usage: { inputTokens, outputTokens } = { inputTokens: 0, outputTokens: 0 },
}: ScriptedAnswer) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
