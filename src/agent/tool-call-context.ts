import type { RequestContext } from '../events/run-info.js';
import type { Run } from '../runs/run.js';
import type { ToolContext } from '../tools/tool-types.js';
import { LazyContext } from '../runs/work-context.js';

/** The context that a tool of an agent receives besides its arguments. */
export class ToolCallContext extends LazyContext implements ToolContext {
  readonly context: RequestContext;

  constructor(
    run: Run,
    readonly toolCallId: string,
  ) {
    super(run);
    this.context = run.context;
  }
}
