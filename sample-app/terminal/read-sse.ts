import type { LlmChunk } from 'nestjs-llm-callbacks';

/** The text of an event stream of chunks, and what the server says in an `error` event. */
export async function* readSse(response: Response): AsyncGenerator<string> {
  let buffer = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    buffer += decoder.decode(bytes as Uint8Array, { stream: true });
    const messages = buffer.split('\n\n');
    buffer = messages.pop() ?? '';
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (data === undefined) continue;
      const chunk: LlmChunk = /^event: error$/m.test(message)
        ? { type: 'text', text: data }
        : (JSON.parse(data) as LlmChunk);
      if (chunk.type === 'text') yield chunk.text;
    }
  }
}
