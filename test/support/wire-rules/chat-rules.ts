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

/** The documented fields of an assistant's message, and those that compatible servers require in addition. */
const ASSISTANT_FIELDS = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'audio',
  'tool_calls',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'extra_content',
]);

/** The parts that a role may have. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  system: ['text'],
  developer: ['text'],
  user: ['text', 'image_url', 'input_audio', 'file'],
  assistant: ['text', 'refusal'],
  tool: ['text'],
};

/**
 * The rules by which a server of OpenAI's chat completions rejects a request,
 * https://platform.openai.com/docs/api-reference/chat/create
 */
export function chatViolations(body: unknown, rules: OpenAiRules = {}): string[] {
  const report = new Report();
  const fields = report.object(body, 'body');
  checkSampling(report, fields);
  checkMessages(report, report.list(fields['messages'], 'messages'), rules);
  checkTools(report, fields);
  checkOptions(report, fields);
  checkLeftovers(report, body);
  return report.violations;
}

function checkMessages(report: Report, messages: readonly unknown[], rules: OpenAiRules): void {
  /** The ids of calls that the following messages must answer. */
  let open = new Set<unknown>();
  messages.forEach((entry, index) => {
    const path = `messages[${index}]`;
    const message = report.object(entry, path);
    if (message['role'] === 'tool') {
      const id = message['tool_call_id'];
      checkCallId(report, id, `${path}.tool_call_id`, rules);
      report.check(open.delete(id), path, 'answers no open call of the turn before it');
    } else {
      report.check(open.size === 0, path, `comes before results of ${[...open].join(', ')}`);
      open = new Set();
    }
    checkContent(report, message, path);
    if (message['role'] === 'assistant') open = checkAssistant(report, message, path, rules);
  });
  report.check(open.size === 0, 'messages', `end before results of ${[...open].join(', ')}`);
}

/** Checks the fields that only an assistant's message has; returns the ids of its calls. */
function checkAssistant(
  report: Report,
  message: Fields,
  path: string,
  rules: OpenAiRules,
): Set<unknown> {
  for (const key of Object.keys(message))
    report.check(ASSISTANT_FIELDS.has(key), `${path}.${key}`, 'is no field of a message');
  const ids = new Set<unknown>();
  if (message['tool_calls'] === undefined) return ids;
  report.list(message['tool_calls'], `${path}.tool_calls`).forEach((entry, index) => {
    const at = `${path}.tool_calls[${index}]`;
    const { id, type, function: called } = report.object(entry, at);
    checkCallId(report, id, `${at}.id`, rules);
    report.check(!ids.has(id), `${at}.id`, 'is the id of another call of the turn');
    ids.add(id);
    report.check(type === 'function', `${at}.type`, 'must be "function"');
    const { name, arguments: text } = report.object(called, `${at}.function`);
    const isName = typeof name === 'string' && TOOL_NAME.test(name);
    report.check(isName, `${at}.function.name`, 'is not a name');
    report.check(isJsonObject(text), `${at}.function.arguments`, 'is not the text of an object');
  });
  return ids;
}

function checkContent(report: Report, message: Fields, path: string): void {
  const { role, content } = message;
  const allowed = typeof role === 'string' && Object.hasOwn(PARTS, role) ? PARTS[role]! : [];
  report.check(allowed.length > 0, `${path}.role`, 'is no role');
  if (typeof content === 'string') return;
  if (content === null || content === undefined) {
    const mayMiss = role === 'assistant' && message['tool_calls'] !== undefined;
    report.check(mayMiss, `${path}.content`, 'is missing');
    return;
  }
  report.list(content, `${path}.content`).forEach((entry, index) => {
    const at = `${path}.content[${index}]`;
    const part = report.object(entry, at);
    report.oneOf(part['type'], allowed, `${at}.type`);
    if (part['type'] === 'text')
      report.check(typeof part['text'] === 'string', `${at}.text`, 'must be a text');
    if (part['type'] === 'image_url')
      checkImageUrl(report, fieldsOf(part['image_url'])['url'], `${at}.image_url.url`);
  });
}

function checkTools(report: Report, { tools, tool_choice }: Fields): void {
  const names: unknown[] = [];
  if (tools !== undefined) {
    report.list(tools, 'tools').forEach((entry, index) => {
      const { type, function: definition } = report.object(entry, `tools[${index}]`);
      report.check(type === 'function', `tools[${index}].type`, 'must be "function"');
      checkFunction(report, definition, `tools[${index}].function`);
      names.push(fieldsOf(definition)['name']);
    });
    report.check(new Set(names).size === names.length, 'tools', 'have one name twice');
  }
  const chosen = fieldsOf(fieldsOf(tool_choice)['function'])['name'];
  checkToolChoice(report, tool_choice, chosen, names);
}

function checkOptions(report: Report, body: Fields): void {
  const { max_tokens, max_completion_tokens, stop, stream, stream_options } = body;
  checkLimit(report, max_tokens, 'max_tokens');
  checkLimit(report, max_completion_tokens, 'max_completion_tokens');
  const hasBoth = max_tokens !== undefined && max_completion_tokens !== undefined;
  report.check(!hasBoth, 'max_tokens', 'stands beside max_completion_tokens');
  if (Array.isArray(stop))
    report.check(stop.length > 0 && stop.length <= 4, 'stop', 'must have 1 to 4 entries');
  const isStreamed = stream === true || stream_options === undefined;
  report.check(isStreamed, 'stream_options', 'is only allowed with stream');
  checkFormat(report, body);
}

function checkFormat(report: Report, { response_format: format, messages }: Fields): void {
  if (format === undefined) return;
  const { type, json_schema } = report.object(format, 'response_format');
  report.oneOf(type, ['text', 'json_object', 'json_schema'], 'response_format.type');
  if (type === 'json_schema')
    checkJsonSchemaFormat(report, json_schema, 'response_format.json_schema');
  if (type === 'json_object') {
    const saysJson = /json/i.test(JSON.stringify(messages ?? ''));
    report.check(saysJson, 'messages', 'must say "JSON" for json_object');
  }
}
