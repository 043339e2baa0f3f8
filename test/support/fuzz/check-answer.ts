import type { FinishReason, LlmChunk, LlmResponse, ToolCall, Usage } from 'nestjs-llm-callbacks';

const FINISH_REASONS: ReadonlySet<unknown> = new Set<FinishReason>([
  'stop',
  'length',
  'tool-calls',
  'content-filter',
  'paused',
  'cancelled',
  'other',
]);

const COUNTS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'reasoningTokens',
] as const;

/** Collects the differences between an answer and its documented form. */
export function answerProblems(response: LlmResponse): string[] {
  const { id, provider, model, text, message, toolCalls, finishReason, usage, cost } = response;
  const problems = [
    ...textProblems({ id, provider, model, text, 'message.content': message.content }),
    ...callProblems(toolCalls),
    ...usageProblems(usage),
  ];
  const expect = expecter(problems);
  expect(message.role === 'assistant', 'message.role');
  expect(message.content === text, 'message.content is not the text');
  expect(sameJson(message.toolCalls ?? [], toolCalls), 'message.toolCalls are not the toolCalls');
  expect(FINISH_REASONS.has(finishReason), `finishReason ${finishReason}`);
  expect(cost === null || (Number.isFinite(cost) && cost >= 0), `cost ${cost}`);
  expect(response.attempts.length === 1, `${response.attempts.length} attempts`);
  expect(Number.isFinite(response.durationMs), 'durationMs');
  return problems;
}

interface WrittenCall {
  readonly id?: string;
  readonly name: string;
  readonly argsText: string;
}
const NO_CALL: WrittenCall = { name: '', argsText: '' };

/** Collects the differences between chunks and their answer. */
export function chunkProblems(chunks: readonly LlmChunk[], response: LlmResponse): string[] {
  const problems: string[] = [];
  const expect = expecter(problems);
  let text = '';
  const calls = new Map<number, WrittenCall>();
  for (const chunk of chunks) {
    if (chunk.type !== 'tool-call') {
      const written = piece(chunk.text, problems);
      if (chunk.type === 'text') text += written;
    } else {
      expect(Number.isSafeInteger(chunk.index) && chunk.index >= 0, `chunk.index ${chunk.index}`);
      const { id, name, argsText } = calls.get(chunk.index) ?? NO_CALL;
      const known = chunk.id ?? id;
      calls.set(chunk.index, {
        ...(known !== undefined && { id: known }),
        name: chunk.name ?? name,
        argsText: argsText + piece(chunk.argsDelta, problems),
      });
    }
  }
  expect(text === response.text, 'the text of the chunks is not the text');
  const written = [...calls].toSorted(([a], [b]) => a - b).map(([, call]) => call);
  const { toolCalls } = response;
  expect(
    written.length === toolCalls.length,
    `chunks of ${written.length} calls, but ${toolCalls.length} toolCalls`,
  );
  toolCalls.forEach(({ name, argsText }, at) => {
    const call = written[at];
    if (call === undefined) return;
    expect(call.name === name, `toolCalls[${at}].name is "${name}", in chunks "${call.name}"`);
    expect(call.argsText === argsText, `toolCalls[${at}].argsText is not that of its chunks`);
  });
  return problems;
}

function callProblems(calls: readonly ToolCall[]): string[] {
  const problems: string[] = [];
  const expect = expecter(problems);
  const ids = new Set(calls.map(({ id }) => id));
  expect(ids.size === calls.length, 'toolCalls: two ids are the same');
  calls.forEach(({ id, name, args, argsText, argsError }, at) => {
    problems.push(
      ...textProblems({ id, name, argsText }).map((what) => `toolCalls[${at}].${what}`),
    );
    expect(id !== '', `toolCalls[${at}].id is empty`);
    const isText = argsError === undefined || (typeof argsError === 'string' && argsError !== '');
    expect(isText, `toolCalls[${at}].argsError`);
    if (argsError !== undefined) expect(args === undefined, `toolCalls[${at}].args with an error`);
    else expect(args !== undefined, `toolCalls[${at}].args is missing`);
  });
  return problems;
}

function usageProblems(usage: Usage): string[] {
  const problems: string[] = [];
  const expect = expecter(problems);
  for (const name of COUNTS)
    expect(Number.isSafeInteger(usage[name]) && usage[name] >= 0, `usage.${name} ${usage[name]}`);
  const { inputTokens: input, outputTokens: output, cachedInputTokens: cached } = usage;
  expect(usage.totalTokens === input + output, 'usage.totalTokens is no sum');
  expect(cached + usage.cacheWriteTokens <= input, 'usage: the cache is above the input');
  expect(usage.cacheWrite1hTokens <= usage.cacheWriteTokens, 'usage.cacheWrite1hTokens');
  expect(usage.reasoningTokens <= output, 'usage.reasoningTokens is above the output');
  expect(usage.source === 'provider' || usage.source === 'estimated', 'usage.source');
  return problems;
}

function textProblems(texts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(texts)
    .filter(([, text]) => typeof text !== 'string')
    .map(([name, text]) => `${name} is no text but ${typeof text}`);
}

function piece(text: unknown, problems: string[]): string {
  if (typeof text === 'string') return text;
  problems.push(`a chunk holds ${typeof text} in place of a text`);
  return '';
}

/** Compares by identity, or by the id of a call: arguments may be too deep to serialize. */
function sameJson(some: readonly ToolCall[], others: readonly ToolCall[]): boolean {
  const key = (calls: readonly ToolCall[]) =>
    calls.map(({ id, name, argsText }) => [id, name, argsText].join('\n')).join('\n\n');
  return some === others || key(some) === key(others);
}

function expecter(problems: string[]): (isTrue: boolean, what: string) => void {
  return (isTrue, what) => void (isTrue || problems.push(what));
}
