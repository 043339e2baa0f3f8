/** Who a message is from. */
export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** A piece of a message. */
export type ContentPart = (
  | { type: 'text'; text: string }
  /** An image by its address: `https:` or a `data:` URL. */
  | { type: 'image'; url: string }
  | { type: 'image'; data: Uint8Array; mediaType: string }
) & {
  /** Merged into the provider's own block as it is, e.g. `{ cache_control: { type: 'ephemeral' } }`. */
  providerOptions?: Record<string, unknown>;
};

/** A call of a tool, as the model asked for it. */
export interface ToolCall {
  /** The provider's id of the call, by which its result is sent back. */
  id: string;
  /** The name of the tool. */
  name: string;
  /** The arguments, parsed; `undefined` when they are no JSON. */
  args: unknown;
  /** The arguments as the model wrote them. */
  argsText: string;
  /** Why `argsText` could not be parsed. */
  argsError?: string;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolCall: object = Object;

/** A tool call in a conversation that is sent; a missing `argsText` is made from `args`. */
export type ToolCallInput = Omit<ToolCall, 'argsText'> & Partial<Pick<ToolCall, 'argsText'>>;

/** A message as it may be given to a call. */
export type MessageInput = Omit<Message, 'toolCalls'> & { toolCalls?: ToolCallInput[] };
/** A value of that name, because compilers import the types in decorated signatures. */
export const MessageInput: object = Object;

/** One turn of a conversation, the same for every provider. */
export interface Message {
  /** Who speaks. */
  role: Role;
  /** A text, or parts of text and images; `''` on an assistant's message that only calls tools. */
  content: string | ContentPart[];
  /** On an assistant's message: the tools that it called. */
  toolCalls?: ToolCall[];
  /** On a tool's message: the call that it answers. */
  toolCallId?: string;
  /** Opaque blocks of the provider's own (reasoning …); sent back as they are, and only to the same provider. */
  providerData?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const Message: object = Object;

/** A tool that the model is offered. */
export interface ToolSpec {
  /** At most 64 letters, digits, `_` and `-`. */
  name: string;
  /** What the tool does, for the model. */
  description?: string;
  /** JSON Schema of the arguments, an object; none means a tool without arguments. */
  parameters?: Record<string, unknown>;
}

/** Whether, and which, tool the model may or must call. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };
