import { LlmAbortedError } from '../errors/llm-errors.js';
import type { RunRuntime } from '../runs/active-run.js';
import type { RunFactory } from '../runs/run-factory.js';
import type { CallableTool } from '../tools/tool.js';
import type { ToolCall } from '../types/message.js';
import type { Resumption } from './agent-run.js';
import { type ToolCallRules, ToolCallRun, type ToolOutcome } from './tool-call.js';

/** More than a turn has a reason to request; the others are rejected, so that a model cannot flood the application. */
const MAX_CALLS_PER_TURN = 128;

const DECIDED_ELSEWHERE =
  'The call was decided in another run of this conversation, and its result is not known here.';

/** The dependencies of {@link ToolCalls}. */
interface ToolCallsParts extends Omit<ToolCallRules, 'offered'> {
  readonly tools: readonly CallableTool[];
  readonly concurrency: number;
  readonly runs: RunFactory;
  readonly runtime: RunRuntime;
}

/** Executes the tool calls of an agent's turns: started in the order of the calls, several at once, each awaited. */
export class ToolCalls {
  readonly #tools: ReadonlyMap<string, CallableTool>;
  readonly #rules: ToolCallRules;
  readonly #open = new Set<ToolCallRun>();
  #stopped: Error | undefined;

  constructor(private readonly parts: ToolCallsParts) {
    const { tools, onToolError, approve } = parts;
    this.#tools = new Map(tools.map((tool) => [tool.spec.name, tool]));
    this.#rules = { onToolError, approve, offered: [...this.#tools.keys()] };
  }

  /**
   * Returns the outcomes of one turn's calls, in their order, without those that were aborted before their start. Fails
   * with the first error that must end the agent, once the others are aborted and have ended.
   *
   * @param resumed the decisions, for a turn that waited for approval
   * @param refusal why none of them is executed; the model gets it as the result of each
   */
  async callAll(
    calls: readonly ToolCall[],
    {
      resumed,
      refusal,
    }: {
      resumed?: Resumption | undefined;
      refusal?: string | undefined;
    } = {},
  ): Promise<(ToolOutcome | undefined)[]> {
    const prepared: ToolCallRun[] = [];
    for (const call of calls) {
      const one = this.#newRun(call);
      prepared.push(one);
      if (refusal !== undefined) one.refuse(refusal);
      else if (prepared.length > MAX_CALLS_PER_TURN) {
        one.refuse(`Only ${MAX_CALLS_PER_TURN} calls are answered in one turn.`);
      } else if (resumed?.claims.isGone(call.id)) {
        one.refuse(DECIDED_ELSEWHERE);
      } else {
        await one.prepare(resumed);
      }
    }
    const outcomes: (ToolOutcome | undefined)[] = calls.map(() => undefined);
    const failures: unknown[] = [];
    let next = 0;
    const callNext = async (): Promise<void> => {
      while (next < prepared.length && failures.length === 0 && this.#stopped === undefined) {
        const index = next++;
        const one = prepared[index]!;
        this.#open.add(one);
        try {
          outcomes[index] = await one.perform();
        } catch (error) {
          failures.push(error);
          this.#abortOpen(
            new LlmAbortedError('Another tool of the agent failed.', { cause: error }),
          );
        } finally {
          this.#open.delete(one);
        }
      }
    };
    const width = Math.min(this.parts.concurrency, prepared.length);
    await (width === 1 ? callNext() : Promise.all(Array.from({ length: width }, callNext)));
    if (failures.length > 0) throw failures[0];
    return outcomes;
  }

  /** Aborts the running tools, and those to come. */
  stop(cause: unknown): void {
    this.#stopped = new LlmAbortedError('The agent was stopped.', { cause });
    this.#abortOpen(this.#stopped);
  }

  #newRun(call: ToolCall): ToolCallRun {
    const { runs, runtime } = this.parts;
    const tool = this.#tools.get(call.name);
    return new ToolCallRun(call, tool, this.#rules, runs.create({}), runtime);
  }

  #abortOpen(reason: Error): void {
    for (const one of this.#open) one.abort(reason);
  }
}
