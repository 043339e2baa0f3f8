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

/** The author of a message. */
export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** A piece of a message. */
export type ContentPart = (
  | { type: 'text'; text: string }
  /** An image by its URL: `https:` or `data:`. */
  | { type: 'image'; url: string }
  | { type: 'image'; data: Uint8Array; mediaType: string }
) & {
  /** Merged into the provider's own block unchanged, e.g. `{ cache_control: { type: 'ephemeral' } }`. */
  providerOptions?: Record<string, unknown>;
};

/** A tool call that the model requested. */
export interface ToolCall {
  /** The provider's id of the call, by which its result is sent back. */
  id: string;
  /** The name of the tool. */
  name: string;
  /** The parsed arguments; `undefined` if they are not JSON. */
  args: unknown;
  /** The arguments as the model wrote them. */
  argsText: string;
  /** Why `argsText` could not be parsed. */
  argsError?: string;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolCall: object = Object;

/** A tool call in a conversation to send; a missing `argsText` is created from `args`. */
export type ToolCallInput = Omit<ToolCall, 'argsText'> & Partial<Pick<ToolCall, 'argsText'>>;

/** A message as callers may pass it. */
export type MessageInput = Omit<Message, 'toolCalls'> & { toolCalls?: ToolCallInput[] };
/** A value of that name, because compilers import the types in decorated signatures. */
export const MessageInput: object = Object;

/** One turn of a conversation, the same for every provider. */
export interface Message {
  /** The author of the message. */
  role: Role;
  /** A text, or parts of text and images; `''` on an assistant's message that only calls tools. */
  content: string | ContentPart[];
  /** On an assistant message: the tools that it called. */
  toolCalls?: ToolCall[];
  /** On a tool message: the call that it answers. */
  toolCallId?: string;
  /** The provider's own opaque blocks (reasoning …); sent back unchanged, and only to the same provider. */
  providerData?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const Message: object = Object;

/** A tool offered to the model. */
export interface ToolSpec {
  /** At most 64 letters, digits, `_` and `-`. */
  name: string;
  /** What the tool does, for the model. */
  description?: string;
  /** JSON Schema of the arguments, an object; if absent, the tool has no arguments. */
  parameters?: Record<string, unknown>;
}

/** Whether, and which, tool the model may or must call. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };
