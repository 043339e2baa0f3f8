import { withDeadline } from '../util/deadline.js';
import { ToolExecutionError } from '../errors/agent-errors.js';
import type { CallableTool } from '../tools/tool.js';

/** Enforces a tool's `timeoutMs` on a call; after that time, `stop` receives the error that the call fails with. */
export function inTime<T>(
  executing: Promise<T>,
  { spec, timeoutMs }: CallableTool,
  stop: (error: Error) => void,
): Promise<T> {
  if (timeoutMs === undefined) return executing;
  return withDeadline(executing, timeoutMs, () => {
    const error = new ToolExecutionError(
      `The tool "${spec.name}" took longer than its timeoutMs of ${timeoutMs}.`,
      { retryable: true },
    );
    stop(error);
    return error;
  });
}
