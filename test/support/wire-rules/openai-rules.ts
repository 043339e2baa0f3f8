import { fieldsOf, isObject, TOOL_NAME, type Fields, type Report } from './report.js';

/** The limits of OpenAI's own host; compatible servers accept more. */
export interface OpenAiRules {
  /** The longest id of a call: 40 characters in chat completions, 64 in Responses. No limit if absent. */
  readonly maxIdLength?: number;
  /** The form of ids of calls, for servers that have one. */
  readonly ids?: RegExp;
}

/** Records the errors in an id of a call. */
export function checkCallId(
  report: Report,
  id: unknown,
  path: string,
  { maxIdLength = Infinity, ids }: OpenAiRules,
): void {
  if (!report.text(id, path)) return;
  report.check(id.length <= maxIdLength, path, `must have at most ${maxIdLength} characters`);
  if (ids) report.check(ids.test(id), path, `must match ${ids.source}`);
}

/** https or data URLs of an image; `detail` is one of three words. */
export function checkImageUrl(report: Report, url: unknown, path: string): void {
  const isUrl =
    typeof url === 'string' && /^(?:https?:\/\/.|data:image\/[\w.+-]+;base64,.)/.test(url);
  report.check(isUrl, path, 'must be an http(s) URL or a base64 data URL of an image');
}

/** Options that chat completions and Responses have in common. */
export function checkSampling(report: Report, body: Fields): void {
  const { model, temperature } = body;
  report.text(model, 'model');
  if (temperature !== undefined) {
    const isValid = typeof temperature === 'number' && temperature >= 0 && temperature <= 2;
    report.check(isValid, 'temperature', 'must be a number from 0 to 2');
  }
}

/** A limit of tokens: a whole number above 0. */
export function checkLimit(report: Report, value: unknown, path: string): void {
  if (value === undefined) return;
  report.check(Number.isInteger(value) && Number(value) > 0, path, 'must be a positive integer');
}

/** The definition of a function; both APIs contain it, at different depths. */
export function checkFunction(report: Report, definition: unknown, path: string): void {
  const { name, description, parameters, strict } = report.object(definition, path);
  report.check(typeof name === 'string' && TOOL_NAME.test(name), `${path}.name`, 'is not a name');
  if (description !== undefined)
    report.check(typeof description === 'string', `${path}.description`, 'must be a text');
  if (parameters !== undefined && parameters !== null) {
    report.check(
      fieldsOf(parameters)['type'] === 'object',
      `${path}.parameters.type`,
      'must be "object"',
    );
    if (strict === true) checkStrictSchema(report, parameters, `${path}.parameters`);
  }
}

/** A named format of the answer by JSON Schema. */
export function checkJsonSchemaFormat(report: Report, format: unknown, path: string): void {
  const { name, schema, strict } = report.object(format, path);
  report.check(typeof name === 'string' && TOOL_NAME.test(name), `${path}.name`, 'is not a name');
  report.check(isObject(schema), `${path}.schema`, 'must be an object');
  report.check(
    fieldsOf(schema)['type'] === 'object',
    `${path}.schema.type`,
    'must be "object" at the root',
  );
  if (strict === true) checkStrictSchema(report, schema, `${path}.schema`);
}

/** In strict mode every object is closed, and all of its properties are required. */
function checkStrictSchema(report: Report, schema: unknown, path: string): void {
  if (Array.isArray(schema)) {
    schema.forEach((inner, index) => checkStrictSchema(report, inner, `${path}[${index}]`));
    return;
  }
  if (!isObject(schema)) return;
  if (isObject(schema['properties'])) {
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const isWhole = Object.keys(schema['properties']).every((name) => required.includes(name));
    report.check(isWhole, `${path}.required`, 'must name all properties in strict mode');
    const isClosed = schema['additionalProperties'] === false;
    report.check(isClosed, `${path}.additionalProperties`, 'must be false in strict mode');
  }
  for (const [key, inner] of Object.entries(schema)) {
    if (key !== 'enum' && key !== 'const') checkStrictSchema(report, inner, `${path}.${key}`);
  }
}

/** `tool_choice`: a word, or a tool that is offered. */
export function checkToolChoice(
  report: Report,
  choice: unknown,
  chosenName: unknown,
  names: readonly unknown[],
): void {
  if (choice === undefined) return;
  report.check(names.length > 0, 'tool_choice', 'is only allowed with tools');
  if (typeof choice === 'string') {
    report.oneOf(choice, ['auto', 'none', 'required'], 'tool_choice');
    return;
  }
  report.check(names.includes(chosenName), 'tool_choice', 'must name a tool that is offered');
}
