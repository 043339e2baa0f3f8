import type { CallClaims } from '../approvals/approvals.js';
import { ToolArgumentsError, ToolExecutionError } from '../errors/callback-errors.js';
import { CallbackAbort, CallbacksError } from '../errors/callbacks-error.js';
import type { RequestContext } from '../events/event.js';
import type { ToolCallInfo } from '../events/tool.events.js';
import type { RunRuntime } from '../runs/active-run.js';
import { interceptTool } from '../runs/intercept-work.js';
import type { Run } from '../runs/run.js';
import { toolEvents, TracedRun } from '../runs/traced-run.js';
import { LazyContext } from '../runs/tracer.js';
import type { CallableTool, ToolContext } from '../tools/tool.js';
import type { ApprovalDecision, SettledToolCall, ToolResult } from '../types/agent.js';
import type { ToolApproval, ToolCall } from '../types/message.js';
import { isThenable, promised, withDeadline } from '../util/promises.js';
import type { Approve } from './agent-options.js';
import type { Resumption } from './agent-run.js';
import { checkArguments, toToolError, withArgs } from './tool-arguments.js';
import { collect, cut, toContent } from './tool-result.js';

const MAX_MESSAGE_CHARS = 2_000;

/** How an agent calls its tools. */
export interface ToolCallRules {
  readonly onToolError: 'continue' | 'fail';
  readonly approve: Approve | undefined;
  /** The names of the tools offered to the model. */
  readonly offered: readonly string[];
}

/** The outcome of a call: settled, or waiting for approval. */
export type ToolOutcome = { readonly settled: SettledToolCall } | { readonly pending: ToolCall };

/** One tool call of an agent: its checks, its approval, its run, and its result for the model. */
export class ToolCallRun implements ToolCallInfo {
  readonly toolName: string;
  readonly toolCallId: string;
  args: unknown;
  approval: ToolApproval | undefined;
  readonly #work: TracedRun<unknown>;
  /** Why it will not be executed. */
  #problem: Error | undefined;
  #stopped = false;
  /** Set for a call that has waited: it is executed or denied once. */
  #claims: CallClaims | undefined;
  /** Whether it could not be claimed, so that the agent cannot continue. */
  #isUnclaimed = false;
  #stage: 'starting' | 'working' | 'done' = 'starting';

  constructor(
    private readonly call: ToolCall,
    private readonly tool: CallableTool | undefined,
    private readonly rules: ToolCallRules,
    run: Run,
    runtime: RunRuntime,
  ) {
    this.toolName = call.name;
    this.toolCallId = call.id;
    this.args = call.args;
    this.#work = new TracedRun(run, runtime, toolEvents(this));
  }

  /** Checks, before any event, whether it can be executed, and whether it needs approval. */
  async prepare(resumed?: Resumption): Promise<void> {
    this.#claims = resumed?.claims;
    const decision = resumed?.decisions.get(this.toolCallId);
    const { args } = decision ?? {};
    try {
      const call = args === undefined ? this.call : withArgs(this.call, args);
      const checking = checkArguments(call, this.tool, this.rules.offered);
      const checked = checking instanceof Promise ? await checking : checking;
      this.args = checked.value;
      if (decision !== undefined) {
        this.#decide(decision, resumed?.approver);
        return;
      }
      const needed = this.#needsApproval();
      if (isThenable(needed) ? await needed : needed) this.approval = { status: 'pending' };
    } catch (error) {
      this.#problem = this.#toError(error);
    }
  }

  /** Rejects the call before its execution; the model receives the reason. */
  refuse(why: string): void {
    this.#problem = new ToolArgumentsError(why);
  }

  /** Executes the call. Fails with an error that must end the agent. */
  async perform(): Promise<ToolOutcome> {
    try {
      const result = await this.#work.perform(() => this.#answer());
      if (this.approval?.status === 'pending') return { pending: this.call };
      return this.#settled({ result }, toContent(result, this.tool!.maxResultChars));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Aborts the tool; its end is awaited nevertheless. */
  abort(reason: Error): void {
    this.#stopped = true;
    this.#work.abort(reason);
  }

  async #answer(): Promise<unknown> {
    this.#stage = 'working';
    if (this.#problem !== undefined) throw this.#problem;
    if (this.approval?.status === 'pending')
      await this.#ask().catch((error: unknown) => {
        throw this.#toError(error);
      });
    if (this.#claims !== undefined && this.approval?.status !== 'pending')
      await this.#useUp(this.#claims);
    if (this.approval?.status === 'denied') {
      const { reason } = this.approval;
      throw new ToolExecutionError(`The call was denied${reason ? `: ${reason}` : '.'}`);
    }
    const isApproved = this.approval?.status !== 'pending';
    const result = isApproved ? await this.#execute(this.tool!) : undefined;
    this.#stage = 'done';
    return result;
  }

  async #ask(): Promise<void> {
    const { approve } = this.rules;
    if (approve === undefined) return;
    const asking = async () => approve({ ...this.call, args: this.args }, this.#context());
    // The approval may never be answered; an aborted agent does not wait for it.
    const decision = await this.#work.run.orAborted(asking());
    if (decision === 'pending') return;
    if (typeof decision?.approve !== 'boolean') {
      throw new ToolExecutionError(
        `approve must answer { approve: true }, { approve: false } or 'pending' for the tool "${this.toolName}".`,
        { fatal: true },
      );
    }
    if (decision.args !== undefined) {
      const call = withArgs(this.call, decision.args);
      const checked = await checkArguments(call, this.tool, this.rules.offered);
      this.args = checked.value;
    }
    this.#decide(decision);
  }

  #decide({ approve, reason }: ApprovalDecision, approver?: string): void {
    this.approval = {
      status: approve ? 'approved' : 'denied',
      ...(reason !== undefined && { reason }),
      ...(approver !== undefined && { approver }),
    };
  }

  async #useUp(claims: CallClaims): Promise<void> {
    try {
      await claims.use(this.toolCallId);
    } catch (error) {
      this.#isUnclaimed = true;
      throw error;
    }
  }

  #execute(tool: CallableTool): Promise<unknown> {
    const { toolName, toolCallId, args } = this;
    const request = { toolName, toolCallId, args };
    const executing = promised(() =>
      interceptTool(this.#work, request, (changed) => this.#executeWith(tool, changed)),
    );
    const stop = (error: Error) => this.#work.abort(error);
    return inTime(executing, tool, stop).catch((error: unknown) => {
      throw this.#toError(error);
    });
  }

  /** Records the arguments, which interceptors may have changed, for the following events. */
  async #executeWith(tool: CallableTool, args: unknown): Promise<unknown> {
    this.args = args;
    return collect(await tool.execute(args, this.#context()));
  }

  /** The result for the model of a failure that does not end the agent. */
  #failed(error: unknown): ToolOutcome {
    const wasRefused = this.#stage === 'starting' && !this.#stopped;
    if (this.#mustEndAgent(error, wasRefused)) throw error;
    const { message, code } = wasRefused
      ? { message: 'refused', code: 'refused' }
      : (error as CallbacksError);
    const shown = cut(message, MAX_MESSAGE_CHARS);
    return this.#settled({ error: { message: shown, code } }, `Error: ${shown}`);
  }

  #mustEndAgent(error: unknown, wasRefused: boolean): boolean {
    if (error instanceof CallbackAbort || this.#isUnclaimed) return true;
    if (error instanceof ToolExecutionError && error.fatal) return true;
    // The error of a critical handler of the end event.
    if (this.#stage === 'done') return !this.#stopped;
    if (wasRefused || this.#stopped || error instanceof ToolArgumentsError) return false;
    return this.rules.onToolError === 'fail' && this.approval?.status !== 'denied';
  }

  #settled(outcome: Pick<ToolResult, 'result' | 'error'>, content: SettledToolCall['content']) {
    const { toolCallId, toolName } = this;
    return { settled: { toolCallId, toolName, ...outcome, content } };
  }

  #needsApproval(): boolean | Promise<boolean> {
    const { needsApproval = false } = this.tool ?? {};
    return typeof needsApproval === 'boolean'
      ? needsApproval
      : needsApproval(this.args, this.#context());
  }

  #context(): ToolContext {
    return new ToolCallContext(this.#work.run, this.toolCallId);
  }

  #toError(thrown: unknown): CallbacksError {
    return thrown instanceof CallbacksError ? thrown : toToolError(thrown, this.toolName);
  }
}

/** The context that a tool of an agent receives besides its arguments. */
class ToolCallContext extends LazyContext implements ToolContext {
  readonly context: RequestContext;

  constructor(
    run: Run,
    readonly toolCallId: string,
  ) {
    super(run);
    this.context = run.context;
  }
}

/** Enforces a tool's `timeoutMs` on a call; after that time, `stop` receives the error that the call fails with. */
function inTime<T>(
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
