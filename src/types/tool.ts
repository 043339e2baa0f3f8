/** A person's decision on a tool call. */
export interface ToolApproval {
  /** `pending` until a person decides. */
  status: 'pending' | 'approved' | 'denied';
  /** The reason given with the decision. */
  reason?: string;
  /** Who decided, as passed to `agent.resume(pending, decisions, { approver })`. */
  approver?: string;
}

/** What both OpenAI and Anthropic accept. */
const MAX_NAME_LENGTH = 64;
const NAME = new RegExp(`^[a-zA-Z0-9_-]{1,${MAX_NAME_LENGTH}}$`);
const ODD_CHARACTER = /[^a-zA-Z0-9_-]/g;

/** Whether providers accept this tool name. */
export function isToolName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** The closest name to one that a model invented which providers accept. */
export function toToolName(name: string): string {
  return name.replaceAll(ODD_CHARACTER, '_').slice(0, MAX_NAME_LENGTH) || '_';
}
