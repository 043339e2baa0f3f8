import type { Approvals } from '../approvals/approvals.js';
import { brand } from '../util/brand.js';
import { promised } from '../util/promises.js';
import type { LlmService } from '../llm/llm.service.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import type { RunFactory } from '../runs/run-factory.js';
import type { RunRuntime } from '../runs/active-run.js';
import type {
  AgentResult,
  ApprovalDecision,
  PendingContext,
  PendingRun,
  PendingRunV1,
} from '../types/agent.js';
import type { Message } from '../types/message.js';
import { ToolExecutionError } from '../errors/callback-errors.js';
import type { CallableTool, ToolDefinition } from '../tools/tool.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import { AgentLoop } from './agent-loop.js';
import type { AgentOptions, AgentRunOptions, ResumeOptions } from './agent-options.js';
import { AgentRun, type AgentSpec } from './agent-run.js';
import { AgentStream, type ColdAgent } from './agent-stream.js';
import {
  checkAgentOptions,
  checkDecidedArguments,
  toResumedSpec,
  toSpec,
} from './check-agent-options.js';
import { EventFeed } from './event-feed.js';
import { interceptAgent } from './intercept-agent.js';
import { ToolCalls } from './tool-scheduler.js';

/** The client of an agent, as the scope of its runs. @internal */
interface AgentClient extends ClientScope {
  readonly label?: string;
  readonly model?: string;
}

/** The dependencies of agents. @internal */
export interface AgentParts {
  /** Calls the model of the agent's client. */
  readonly llm: LlmService;
  /** The client whose scope the agent's runs have. */
  readonly client: AgentClient;
  readonly runs: RunFactory;
  readonly registry: HandlerRegistry;
  readonly tools: ToolRegistry;
  readonly runtime: RunRuntime;
  /** Signs pending runs, and decides which are resumed. */
  readonly approvals: Approvals;
  /** Provides the tools of modules that were loaded since. */
  readonly source: HandlerSource;
  /** Schedules the lookup of an agent's tools for the start of the application. */
  announce(agent: Agent): void;
}

/** How an agent appears as a tool of another one. */
export interface AgentToolOptions {
  /**
   * The name that the model uses.
   * @default the agent's name
   */
  name?: string;
  /** What the agent can do, and when to use it: the model reads this. */
  description?: string;
}

/** An agent, as `callbacks.report()` shows it. */
export interface AgentReport {
  readonly name: string | undefined;
  /** The name of its client. */
  readonly client: string;
  /** Missing if neither the agent nor its client has one. */
  readonly model: string | undefined;
  /** The names of its tools. */
  readonly tools: readonly string[];
}

const GOAL = {
  type: 'object',
  properties: { goal: { type: 'string', description: 'What the agent is to do, in full.' } },
  required: ['goal'],
  additionalProperties: false,
} as const;

/**
 * A model that works towards a goal: it calls tools, sees their results, and continues until it can answer.
 *
 * @example
 * ```ts
 * const clerk = agents.create({ persona: 'You help customers.', tools: [OrderTools], maxSteps: 5 });
 * const { output, cost } = await clerk.run('Where is order 42?', { userId });
 * ```
 */
export class Agent {
  static {
    brand(this, 'class:Agent');
  }

  readonly #parts: AgentParts;
  readonly #options: AgentOptions;
  readonly #scope: ClientScope;
  #tools: readonly CallableTool[] | undefined;

  /** @internal created by `AgentService` */
  constructor(parts: AgentParts, options: AgentOptions = {}) {
    checkAgentOptions(options, (options as AgentOptions | null)?.name);
    if (options.callbacks) parts.registry.checkObjects(options.callbacks, 'instance');
    this.#parts = parts;
    this.#options = options;
    this.#scope = { name: undefined, callbacks: options.callbacks ?? [] };
    parts.announce(this);
  }

  /** Its name in errors, and as a tool of another agent. */
  get name(): string | undefined {
    return this.#options.name;
  }

  /**
   * Runs until the goal is reached.
   *
   * @param goal what the agent is to do, in words
   * @returns the answer, or `pending` when calls wait for approval
   * @throws an error of the `LlmError` tree, `MaxStepsExceededError`, `BudgetExceededError`, a tool's error if that
   * fails the agent, or the error of a critical handler
   */
  run<T = unknown>(goal: string, options: AgentRunOptions<T> = {}): Promise<AgentResult<T>> {
    const begin = () => this.#prepare(this.#spec(goal, options, false), options).begin();
    // The run's schema, which validated the object, is a schema of T.
    return promised(begin) as Promise<AgentResult<T>>;
  }

  /** The same, as a stream of events. Nothing happens before the stream is read; errors are thrown there. */
  stream(goal: string, options: AgentRunOptions = {}): AgentStream {
    try {
      const cold = this.#prepare(this.#spec(goal, options, true), options);
      return new AgentStream(cold, this.#parts.runs);
    } catch (error) {
      return new AgentStream(error as Error, this.#parts.runs);
    }
  }

  /**
   * Resumes a run that stopped with `result.pending`, in this or another process, with an agent that has the same
   * tools. It acts for the user of the first run: `userId`, `tenantId` and `conversationId` come from
   * `pending.context`, and override the context of this call and its options. Tags and metadata come from this call.
   * Calls without a decision keep waiting.
   *
   * @param pending `result.pending`, as stored
   * @param decisions by id of the tool call
   * @param options options of the run, which are not stored; `approver` is who has decided
   * @throws PendingRunError for a pending run that differs from the stored one, is too old, or has been resumed
   * @throws LlmInvalidRequestError for an invalid decision
   *
   * @example
   * ```ts
   * await agent.resume(pending, { [toolCallId]: { approve: true } }, { approver: request.user.id });
   * ```
   */
  async resume<T = unknown>(
    pending: PendingRun | PendingRunV1,
    decisions: Readonly<Record<string, ApprovalDecision>>,
    options: ResumeOptions<T> = {},
  ): Promise<AgentResult<T>> {
    checkAgentOptions(options, this.name, 'resume');
    const { approvals } = this.#parts;
    const settings = { ...this.#options, ...options };
    const spec = toResumedSpec(pending, decisions, settings, { tools: this.prepare(), approvals });
    const agent = this.#prepare(spec, options);
    const { claims, decisions: decided } = spec.resumed;
    const waiting = spec.resumed.pending.toolCalls.map(({ id }) => id);
    await checkDecidedArguments(spec);
    await claims.take(
      waiting.filter((id) => decided.has(id)),
      waiting.filter((id) => !decided.has(id)),
    );
    try {
      return (await agent.begin()) as AgentResult<T>;
    } finally {
      await claims.release();
    }
  }

  /**
   * The agent as a tool of another one: its run is nested in the tool's. An `approve` of its own must decide its calls
   * that need approval, because a nested run cannot be stored.
   */
  asTool({ name = this.name, description }: AgentToolOptions = {}): ToolDefinition<{
    goal: string;
  }> {
    return {
      name: name ?? '',
      description: description ?? `Hands a task to the agent "${name}".`,
      parameters: GOAL,
      execute: async ({ goal }, { signal }) => {
        const { pending, object, output } = await this.run(goal, { signal });
        if (pending === undefined) return object ?? output;
        throw new ToolExecutionError(
          `The agent "${name}" waits for approvals inside another agent: give it an approve function.`,
          { fatal: true },
        );
      },
    };
  }

  /** Its own callbacks. @internal */
  get callbacks(): readonly object[] {
    return this.#scope.callbacks;
  }

  /** Describes it for `callbacks.report()`. @internal */
  describe(): AgentReport {
    const { client } = this.#parts;
    return {
      name: this.name,
      client: client.name ?? 'default',
      model: this.#options.model ?? client.model,
      tools: (this.#tools ?? []).map(({ spec }) => spec.name),
    };
  }

  /** Looks up its tools, and fails if some are missing. @internal */
  prepare(): readonly CallableTool[] {
    const { name = 'without a name', tools = [] } = this.#options;
    if (this.#tools === undefined) {
      this.#parts.source.refresh();
      this.#tools = this.#parts.tools.resolve(tools, name);
    }
    return this.#tools;
  }

  #spec(goal: string, options: AgentRunOptions, streaming: boolean): AgentSpec {
    checkAgentOptions(options, this.name, 'run');
    return toSpec(goal, { ...this.#options, ...options }, this.prepare(), streaming);
  }

  #prepare(spec: AgentSpec, { callbacks = [], ...context }: AgentRunOptions): ColdAgent {
    const { llm, client, runs, registry, runtime, approvals } = this.#parts;
    registry.checkObjects(callbacks, 'call');
    const feed = new EventFeed();
    const run = runs.create({
      client,
      agent: this.#scope,
      callbacks: spec.streaming ? [...callbacks, feed] : callbacks,
      context,
      actsFor: actsFor(spec),
      provider: client.label,
      model: spec.model ?? client.model,
    });
    if (spec.streaming) feed.follow(run.runId);
    const agent = new AgentRun(run, runtime, spec);
    const { tools, toolConcurrency: concurrency, onToolError, approve } = spec;
    const work = (messages: readonly Message[]) => {
      const calls = new ToolCalls({ tools, concurrency, onToolError, approve, runs, runtime });
      return new AgentLoop(agent, llm, calls, approvals, messages).run();
    };
    const begin = () => agent.perform(() => interceptAgent(agent, work));
    return { agent, feed, begin };
  }
}

/** The user of a resumed run; version 1 of pending runs does not contain it. */
function actsFor({ resumed }: AgentSpec): PendingContext | undefined {
  return resumed?.pending.v === 2 ? resumed.pending.context : undefined;
}
