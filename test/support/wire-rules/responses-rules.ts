import {
  checkCallId,
  checkFunction,
  checkImageUrl,
  checkJsonSchemaFormat,
  checkLimit,
  checkSampling,
  checkToolChoice,
  type OpenAiRules,
} from './openai-rules.js';
import {
  checkLeftovers,
  fieldsOf,
  isJsonObject,
  Report,
  TOOL_NAME,
  type Fields,
} from './report.js';

const INPUT_PARTS = ['input_text', 'input_image', 'input_file'];
const PARTS: Readonly<Record<string, readonly string[]>> = {
  user: INPUT_PARTS,
  system: INPUT_PARTS,
  developer: INPUT_PARTS,
  assistant: ['output_text', 'refusal'],
};

/**
 * The rules by which a server of OpenAI's Responses API rejects a request,
 * https://platform.openai.com/docs/api-reference/responses/create
 */
export function responsesViolations(body: unknown, rules: OpenAiRules = {}): string[] {
  const report = new Report();
  const fields = report.object(body, 'body');
  checkSampling(report, fields);
  checkInput(report, fields['input'], rules);
  checkTools(report, fields);
  checkOptions(report, fields);
  checkLeftovers(report, body);
  return report.violations;
}

function checkInput(report: Report, input: unknown, rules: OpenAiRules): void {
  if (typeof input === 'string') {
    report.text(input, 'input');
    return;
  }
  const calls = new OpenCalls(report, rules);
  const items = report.list(input, 'input');
  items.forEach((entry, index) => {
    const path = `input[${index}]`;
    const item = report.object(entry, path);
    const type = item['type'] ?? (item['role'] === undefined ? undefined : 'message');
    report.check(typeof type === 'string', `${path}.type`, 'must be a text');
    if (type === 'message') checkMessage(report, item, path, calls);
    if (type === 'function_call') checkCall(report, item, path, calls);
    if (type === 'function_call_output') checkOutput(report, item, path, calls);
    if (type === 'reasoning') checkReasoning(report, item, path, items[index + 1]);
  });
  calls.expectNone('input');
}

/** The calls that wait for their outputs. */
class OpenCalls {
  readonly #open = new Set<unknown>();

  constructor(
    private readonly report: Report,
    private readonly rules: OpenAiRules,
  ) {}

  open(id: unknown, path: string): void {
    checkCallId(this.report, id, path, this.rules);
    this.report.check(!this.#open.has(id), path, 'is the id of another open call');
    this.#open.add(id);
  }

  answer(id: unknown, path: string): void {
    checkCallId(this.report, id, path, this.rules);
    this.report.check(this.#open.delete(id), path, 'answers no open call');
  }

  expectNone(path: string): void {
    const open = [...this.#open].join(', ');
    this.report.check(this.#open.size === 0, path, `comes before outputs of ${open}`);
    this.#open.clear();
  }
}

function checkMessage(report: Report, item: Fields, path: string, calls: OpenCalls): void {
  const { role, content } = item;
  if (role !== 'assistant') calls.expectNone(path);
  const allowed = typeof role === 'string' && Object.hasOwn(PARTS, role) ? PARTS[role]! : [];
  report.check(allowed.length > 0, `${path}.role`, 'is no role');
  if (typeof content === 'string') return;
  report.list(content, `${path}.content`).forEach((entry, index) => {
    const at = `${path}.content[${index}]`;
    checkPart(report, report.object(entry, at), at, allowed);
  });
}

function checkPart(report: Report, part: Fields, path: string, allowed: readonly string[]): void {
  const { type, text, refusal, image_url, file_id } = part;
  report.oneOf(type, allowed, `${path}.type`);
  if (type === 'input_text' || type === 'output_text')
    report.check(typeof text === 'string', `${path}.text`, 'must be a text');
  if (type === 'refusal')
    report.check(typeof refusal === 'string', `${path}.refusal`, 'must be a text');
  if (type === 'input_image' && file_id === undefined)
    checkImageUrl(report, image_url, `${path}.image_url`);
}

function checkCall(report: Report, item: Fields, path: string, calls: OpenCalls): void {
  const { id, call_id, name, arguments: text } = item;
  if (id !== undefined)
    report.check(
      typeof id === 'string' && id.startsWith('fc'),
      `${path}.id`,
      'must begin with "fc"',
    );
  calls.open(call_id, `${path}.call_id`);
  report.check(typeof name === 'string' && TOOL_NAME.test(name), `${path}.name`, 'is not a name');
  report.check(isJsonObject(text), `${path}.arguments`, 'is not the text of an object');
}

function checkOutput(report: Report, item: Fields, path: string, calls: OpenCalls): void {
  const { call_id, output } = item;
  calls.answer(call_id, `${path}.call_id`);
  if (typeof output === 'string') return;
  report.list(output, `${path}.output`).forEach((entry, index) => {
    const at = `${path}.output[${index}]`;
    checkPart(report, report.object(entry, at), at, INPUT_PARTS);
  });
}

/** Reasoning belongs to the output after it; without storage it is sent encrypted. */
function checkReasoning(report: Report, item: Fields, path: string, next: unknown): void {
  const { summary, id } = item;
  report.check(Array.isArray(summary), `${path}.summary`, 'must be a list');
  report.text(id, `${path}.id`);
  const { type, role } = fieldsOf(next);
  const isOutput =
    role === 'assistant' ||
    (typeof type === 'string' && type !== 'message' && !type.endsWith('_output'));
  report.check(isOutput, path, 'comes without the output that it belongs to');
}

function checkTools(report: Report, { tools, tool_choice }: Fields): void {
  const names: unknown[] = [];
  if (tools !== undefined) {
    report.list(tools, 'tools').forEach((entry, index) => {
      const tool = report.object(entry, `tools[${index}]`);
      if (!report.text(tool['type'], `tools[${index}].type`)) return;
      names.push(tool['name'] ?? tool['type']);
      if (tool['type'] === 'function') checkFunction(report, tool, `tools[${index}]`);
    });
    report.check(new Set(names).size === names.length, 'tools', 'have one name twice');
  }
  const { name, type } = fieldsOf(tool_choice);
  checkToolChoice(report, tool_choice, name ?? type, names);
}

function checkOptions(report: Report, body: Fields): void {
  checkLimit(report, body['max_output_tokens'], 'max_output_tokens');
  for (const key of ['stop', 'messages', 'max_tokens', 'response_format'])
    report.check(body[key] === undefined, key, 'is no option of this API');
  if (body['instructions'] !== undefined)
    report.check(typeof body['instructions'] === 'string', 'instructions', 'must be a text');
  const format = fieldsOf(body['text'])['format'];
  if (format === undefined) return;
  const { type } = report.object(format, 'text.format');
  report.oneOf(type, ['text', 'json_object', 'json_schema'], 'text.format.type');
  if (type === 'json_schema') checkJsonSchemaFormat(report, format, 'text.format');
  if (type === 'json_object') {
    const saysJson = /json/i.test(JSON.stringify([body['input'], body['instructions']]));
    report.check(saysJson, 'input', 'must say "JSON" for json_object');
  }
}
