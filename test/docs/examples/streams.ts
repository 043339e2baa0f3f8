import { LlmService } from 'nestjs-llm-callbacks';

// #region read
export async function write(llm: LlmService) {
  const stream = llm.stream('Tell me a story.'); // nothing is sent yet
  for await (const text of stream.textStream) process.stdout.write(text);
  const { usage, cost, finishReason } = await stream.response;
  return { usage, cost, finishReason };
}
// #endregion

// #region chunks
export async function kinds(llm: LlmService) {
  const seen: string[] = [];
  for await (const chunk of llm.stream('Tell me a story.')) {
    seen.push(chunk.type); // 'text', 'reasoning' or 'tool-call'
  }
  return seen;
}
// #endregion

// #region cancel
export async function firstWords(llm: LlmService) {
  const stream = llm.stream('Tell me a story.');
  for await (const text of stream.textStream) {
    if (text !== '') break; // aborts the provider's request
  }
  return stream.response; // finishReason: 'cancelled', with the text, usage and cost so far
}
// #endregion
