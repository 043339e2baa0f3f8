// What the model of an agent answers: tool calls, as many as the question says, then text once their results are there.
import { openAiAnswer, openAiToolAnswer, toolCallId } from './openai-wire.mjs';

/** What to remember the answer by, and how to make it. */
export function agentTurn({ messages }, chunks) {
  const results = resultsOf(messages);
  const calls = askedCalls(messages);
  if (results.length > 0) {
    checkResults(results, calls);
    return [`text ${chunks}`, () => openAiAnswer(chunks)];
  }
  return [`calls ${calls}`, () => openAiToolAnswer(calls)];
}

/** The results at the end of the conversation. */
function resultsOf(messages) {
  const last = messages.findLastIndex(({ role }) => role !== 'tool');
  return messages.slice(last + 1);
}

/** The question names a number of orders. */
function askedCalls(messages) {
  const question = messages.find(({ role }) => role === 'user')?.content;
  const [, count] = /(\d+) orders?/.exec(JSON.stringify(question)) ?? [];
  if (count === undefined) throw new Error('The question names no number of orders.');
  return Number(count);
}

/** Each call has its result, in the order of the calls. */
function checkResults(results, calls) {
  const right =
    results.length === calls &&
    results.every(
      ({ tool_call_id: id, content }, i) =>
        id === toolCallId(i) && JSON.stringify(content).includes(`104${i}`),
    );
  if (!right) throw new Error(`These are not the results of the calls: ${JSON.stringify(results)}`);
}
