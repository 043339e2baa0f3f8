import type { LlmChunk } from 'nestjs-llm-callbacks';

/** The text of an event stream of chunks, and the server's message in a `failed` event. */
export async function* readSse(response: Response): AsyncGenerator<string> {
  let buffer = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    buffer += decoder.decode(bytes as Uint8Array, { stream: true });
    const messages = buffer.split('\n\n');
    buffer = messages.pop() ?? '';
    for (const message of messages) {
      const text = textOf(message);
      if (text !== undefined) yield text;
    }
  }
}

function textOf(message: string): string | undefined {
  const name = /^event: (.*)$/m.exec(message)?.[1] ?? 'message';
  const data = /^data: (.*)$/m.exec(message)?.[1];
  if (data === undefined) return undefined;
  const parsed: unknown = JSON.parse(data);
  if (name === 'failed') return (parsed as { message: string }).message;
  if (name !== 'message') return undefined;
  const chunk = parsed as LlmChunk;
  return chunk.type === 'text' ? chunk.text : undefined;
}
