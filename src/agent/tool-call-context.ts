import type { RequestContext } from '../events/index.js';
import type { Run } from '../run/index.js';
import type { ToolContext } from '../tools/index.js';
import { LazyContext } from '../work/index.js';

/** What a tool of an agent gets besides its arguments. */
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
