import { checkBlock } from './anthropic-blocks.js';
import {
  checkLeftovers,
  fieldsOf,
  isBlank,
  isObject,
  Report,
  TOOL_NAME,
  type Fields,
} from './report.js';

/**
 * The rules by which Anthropic rejects a request: https://docs.anthropic.com/en/api/messages and the pages on tool use,
 * extended thinking, compaction and structured outputs.
 */
export function anthropicViolations(body: unknown): string[] {
  const report = new Report();
  const fields = report.object(body, 'body');
  report.text(fields['model'], 'model');
  checkTurns(report, report.list(fields['messages'], 'messages'));
  checkSystem(report, fields['system']);
  checkTools(report, fields);
  checkOptions(report, fields);
  checkLeftovers(report, body);
  return report.violations;
}

function checkTurns(report: Report, turns: readonly unknown[]): void {
  const ids = new Set<unknown>();
  let open: unknown[] = [];
  let roleBefore: unknown = 'assistant';
  turns.forEach((entry, index) => {
    const path = `messages[${index}]`;
    const { role, content } = report.object(entry, path);
    report.oneOf(role, ['user', 'assistant'], `${path}.role`);
    report.check(role !== roleBefore, `${path}.role`, 'must alternate, the user first');
    roleBefore = role;
    const isLast = index === turns.length - 1;
    const blocks = blocksOf(report, content, path, role === 'assistant' && isLast);
    for (const [number, block] of blocks.entries())
      checkBlock(report, block, `${path}.content[${number}]`, role);
    checkResults(report, blocks, open, path);
    open = role === 'assistant' ? checkCalls(report, blocks, ids, path) : [];
    if (role === 'assistant') checkEnd(report, blocks.at(-1), path, isLast);
  });
  report.check(open.length === 0, 'messages', `end before results of ${open.join(', ')}`);
}

/** The blocks of a turn; a plain text is one block. Only a last turn of the assistant may be empty. */
function blocksOf(
  report: Report,
  content: unknown,
  path: string,
  mayBeEmpty: boolean,
): readonly Fields[] {
  const at = `${path}.content`;
  if (typeof content === 'string') {
    report.check(mayBeEmpty || !isBlank(content), at, 'must not be blank');
    return [];
  }
  if (mayBeEmpty && Array.isArray(content) && content.length === 0) return [];
  return report.list(content, at).map((block, number) => report.object(block, `${at}[${number}]`));
}

/** The results of a turn come first, and answer each call of the previous turn once. */
function checkResults(
  report: Report,
  blocks: readonly Fields[],
  open: readonly unknown[],
  path: string,
): void {
  const left = new Set(open);
  let hasOther = false;
  blocks.forEach((block, number) => {
    const at = `${path}.content[${number}]`;
    if (block['type'] !== 'tool_result') {
      hasOther = true;
      return;
    }
    report.check(!hasOther, at, 'must stand before all other blocks of the turn');
    report.check(left.delete(block['tool_use_id']), at, 'answers no call of the turn before it');
  });
  report.check(left.size === 0, path, `has no results of ${[...left].join(', ')}`);
}

/** Ids of calls are unique in the conversation. Returns those that the next turn must answer. */
function checkCalls(
  report: Report,
  blocks: readonly Fields[],
  ids: Set<unknown>,
  path: string,
): unknown[] {
  const open: unknown[] = [];
  blocks.forEach(({ type, id }, number) => {
    if (type !== 'tool_use' && type !== 'server_tool_use') return;
    report.check(!ids.has(id), `${path}.content[${number}].id`, 'is the id of another call');
    ids.add(id);
    if (type === 'tool_use') open.push(id);
  });
  return open;
}

function checkEnd(report: Report, block: Fields | undefined, path: string, isLast: boolean): void {
  const isThought = block?.['type'] === 'thinking' || block?.['type'] === 'redacted_thinking';
  report.check(!isThought, path, 'must not end with a thought');
  const text = block?.['type'] === 'text' ? block['text'] : '';
  const endsOpen = isLast && typeof text === 'string' && /\s$/.test(text);
  report.check(!endsOpen, path, 'must not end with white space, because the model goes on there');
}

function checkSystem(report: Report, system: unknown): void {
  if (system === undefined) return;
  if (typeof system === 'string') {
    report.check(!isBlank(system), 'system', 'must not be blank');
    return;
  }
  report.list(system, 'system').forEach((entry, index) => {
    const block = report.object(entry, `system[${index}]`);
    report.check(block['type'] === 'text', `system[${index}].type`, 'must be "text"');
    checkBlock(report, block, `system[${index}]`, 'user');
  });
}

function checkTools(report: Report, { tools, tool_choice: choice }: Fields): void {
  const names: unknown[] = [];
  if (tools !== undefined) {
    report.list(tools, 'tools').forEach((entry, index) => {
      const at = `tools[${index}]`;
      const { name, type, input_schema } = report.object(entry, at);
      report.check(typeof name === 'string' && TOOL_NAME.test(name), `${at}.name`, 'is not a name');
      names.push(name);
      if (type !== undefined && type !== 'custom') return;
      const isSchema = fieldsOf(input_schema)['type'] === 'object';
      report.check(isSchema, `${at}.input_schema.type`, 'must be "object"');
    });
    report.check(new Set(names).size === names.length, 'tools', 'have one name twice');
  }
  if (choice === undefined) return;
  report.check(names.length > 0, 'tool_choice', 'is only allowed with tools');
  const { type, name } = report.object(choice, 'tool_choice');
  report.oneOf(type, ['auto', 'any', 'none', 'tool'], 'tool_choice.type');
  if (type === 'tool')
    report.check(names.includes(name), 'tool_choice.name', 'must name a tool that is offered');
}

function checkOptions(report: Report, body: Fields): void {
  const { max_tokens, temperature, thinking, container, stop_sequences } = body;
  const limit = Number.isInteger(max_tokens) ? Number(max_tokens) : 0;
  report.check(limit > 0, 'max_tokens', 'must be a positive integer');
  const { type, budget_tokens } = fieldsOf(thinking);
  if (type === 'enabled') {
    const budget = Number(budget_tokens);
    report.check(budget >= 1_024, 'thinking.budget_tokens', 'must be at least 1024');
    report.check(limit > budget, 'max_tokens', 'must be above the thinking budget');
  }
  if (temperature !== undefined) {
    const isValid = typeof temperature === 'number' && temperature >= 0 && temperature <= 1;
    report.check(isValid, 'temperature', 'must be a number from 0 to 1');
  }
  if (container !== undefined && !isObject(container)) report.text(container, 'container');
  if (stop_sequences !== undefined)
    report.list(stop_sequences, 'stop_sequences').forEach((stop, index) => {
      const isStop = typeof stop === 'string' && !isBlank(stop);
      report.check(isStop, `stop_sequences[${index}]`, 'must not be blank');
    });
  for (const key of ['max_completion_tokens', 'response_format', 'stop'])
    report.check(body[key] === undefined, key, 'is no option of this API');
  checkFormat(report, fieldsOf(body['output_config'])['format']);
}

function checkFormat(report: Report, format: unknown): void {
  if (format === undefined) return;
  const { type, schema } = report.object(format, 'output_config.format');
  report.check(type === 'json_schema', 'output_config.format.type', 'must be "json_schema"');
  checkClosed(report, schema, 'output_config.format.schema');
}

/** Structured outputs accept closed objects only. */
function checkClosed(report: Report, schema: unknown, path: string): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { type, additionalProperties } = fieldsOf(schema);
  if (type === 'object')
    report.check(additionalProperties === false, path, 'must forbid additional properties');
  for (const [key, inner] of Object.entries(schema))
    if (key !== 'enum' && key !== 'const') checkClosed(report, inner, `${path}.${key}`);
}
