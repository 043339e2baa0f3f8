import type { ToolCall } from '../shapes/index.js';

/** A tool call as the model wrote it: its arguments parsed, or why they could not be. Empty arguments are `{}`. */
export function toToolCall(id: string, name: string, argsText: string): ToolCall {
  if (argsText.trim() === '') return { id, name, args: {}, argsText };
  try {
    return { id, name, args: JSON.parse(argsText) as unknown, argsText };
  } catch {
    return { id, name, args: undefined, argsText, argsError: 'The arguments are not valid JSON.' };
  }
}
