import type { ProviderWire, ScriptedAnswer } from 'nestjs-llm-callbacks/testing';

/** Writes what the kit scripts in the format of the server. */
export const lines: ProviderWire = {
  streamType: 'application/x-ndjson',
  whole: answerOf,
  pieces: ({ text, toolCalls }) => [
    ...text.map((piece) => line({ text: piece })),
    ...toolCalls.flatMap(({ id, name, args }, call) => [
      line({ call, id, name }),
      ...args.map((piece) => line({ call, args: piece })),
    ]),
  ],
  end: (answer) => [line({ end: answerOf(answer) })],
  error: ({ code, message }) => ({ code, message }),
  streamError: ({ status }) => line({ error: status }),
};

const line = (value: object) => `${JSON.stringify(value)}\n`;

function answerOf({ model, text, toolCalls, finishReason, usage }: ScriptedAnswer) {
  return {
    model,
    text: text.join(''),
    calls: toolCalls.map(({ id, name, args }) => ({ id, name, args: args.join('') })),
    finish: finishReason,
    tokens: usage && [usage.inputTokens, usage.outputTokens],
  };
}
