/** What both OpenAI and Anthropic accept. */
const MAX_NAME_LENGTH = 64;
const NAME = new RegExp(`^[a-zA-Z0-9_-]{1,${MAX_NAME_LENGTH}}$`);
const ODD_CHARACTER = /[^a-zA-Z0-9_-]/g;

/** Whether providers take a tool of this name. */
export function isToolName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** The name that is nearest to one that a model has made up, and that providers take. */
export function toToolName(name: string): string {
  return name.replaceAll(ODD_CHARACTER, '_').slice(0, MAX_NAME_LENGTH) || '_';
}
