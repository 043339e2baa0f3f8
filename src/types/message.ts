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
