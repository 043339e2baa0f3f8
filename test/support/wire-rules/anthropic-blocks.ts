import { fieldsOf, isBlank, isObject, TOOL_NAME, type Fields, type Report } from './report.js';

const ID = /^[a-zA-Z0-9_-]+$/;
const IMAGES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const USER_BLOCKS = [
  'text',
  'image',
  'document',
  'search_result',
  'tool_result',
  'container_upload',
];
const RESULT_BLOCKS = ['text', 'image', 'document', 'search_result', 'tool_reference'];
const ASSISTANT_BLOCKS = [
  'text',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'server_tool_use',
  'mcp_tool_use',
  'mcp_tool_result',
  'compaction',
  'container_upload',
];

/** Checks a content block of a turn by its type. */
export function checkBlock(report: Report, block: Fields, path: string, role: unknown): void {
  const { type } = block;
  // Results of server tools have a type each: web_search_tool_result and others.
  const isServerResult = typeof type === 'string' && type.endsWith('_tool_result');
  if (role === 'assistant' && isServerResult) {
    report.text(block['tool_use_id'], `${path}.tool_use_id`);
    return;
  }
  const allowed = role === 'assistant' ? ASSISTANT_BLOCKS : USER_BLOCKS;
  if (!report.oneOf(type, allowed, `${path}.type`)) return;
  CHECKS[String(type)]?.(report, block, path);
}

type Check = (report: Report, block: Fields, path: string) => void;

const CHECKS: Readonly<Record<string, Check>> = {
  text: checkText,
  image: checkImage,
  tool_result: checkResult,
  tool_use: checkCall,
  server_tool_use: checkCall,
  thinking(report, { thinking, signature }, path) {
    report.check(typeof thinking === 'string', `${path}.thinking`, 'must be a text');
    // Servers with an Anthropic-compatible API sign nothing.
    if (signature !== undefined || thinking === '') report.text(signature, `${path}.signature`);
  },
  redacted_thinking(report, { data }, path) {
    report.text(data, `${path}.data`);
  },
  compaction(report, { content }, path) {
    report.text(content, `${path}.content`);
  },
};

function checkText(report: Report, { text }: Fields, path: string): void {
  const isText = typeof text === 'string' && !isBlank(text);
  report.check(isText, `${path}.text`, 'must not be blank');
}

function checkImage(report: Report, { source }: Fields, path: string): void {
  const { type, media_type, data, url, file_id } = report.object(source, `${path}.source`);
  report.oneOf(type, ['base64', 'url', 'file'], `${path}.source.type`);
  if (type === 'base64') {
    report.oneOf(media_type, IMAGES, `${path}.source.media_type`);
    const isBase64 = typeof data === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
    report.check(isBase64, `${path}.source.data`, 'must be base64');
  }
  if (type === 'url') {
    const isUrl = typeof url === 'string' && /^https?:\/\/./.test(url);
    report.check(isUrl, `${path}.source.url`, 'must be an http(s) URL');
  }
  if (type === 'file') report.text(file_id, `${path}.source.file_id`);
}

function checkCall(report: Report, { id, name, input }: Fields, path: string): void {
  report.check(typeof id === 'string' && ID.test(id), `${path}.id`, `must match ${ID.source}`);
  report.check(typeof name === 'string' && TOOL_NAME.test(name), `${path}.name`, 'is not a name');
  report.check(isObject(input), `${path}.input`, 'must be an object');
}

function checkResult(report: Report, block: Fields, path: string): void {
  const { tool_use_id: id, content, is_error } = block;
  report.check(typeof id === 'string' && ID.test(id), `${path}.tool_use_id`, 'is not an id');
  if (is_error !== undefined)
    report.check(typeof is_error === 'boolean', `${path}.is_error`, 'must be a boolean');
  if (content === undefined || typeof content === 'string') return;
  if (!report.check(Array.isArray(content), `${path}.content`, 'must be a text or a list')) return;
  (content as unknown[]).forEach((entry, index) => {
    const at = `${path}.content[${index}]`;
    const inner = report.object(entry, at);
    if (!report.oneOf(inner['type'], RESULT_BLOCKS, `${at}.type`)) return;
    CHECKS[String(fieldsOf(inner)['type'])]?.(report, inner, at);
  });
}
