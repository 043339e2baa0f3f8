import type { Approvals } from '../approvals/approvals.js';
import { brand } from '../util/brand.js';
import { promised } from '../dispatch/promises.js';
import type { LlmService } from '../llm/llm.service.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import type { HandlerSource } from '../handlers/handler-source.js';
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
import { ToolExecutionError } from '../errors/agent-errors.js';
import type { CallableTool } from '../tools/tool.js';
import type { ToolDefinition } from '../tools/tool-types.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import { AgentLoop } from './agent-loop.js';
import type { AgentOptions, AgentRunOptions, ResumeOptions } from './agent-options.js';
import { AgentRun } from './agent-run.js';
import type { AgentSpec } from './agent-spec.js';
import { AgentStream, type ColdAgent } from './agent-stream.js';
import { checkAgentOptions, toResumedSpec, toSpec } from './check-agent.js';
import { EventFeed } from './event-feed.js';
import { interceptAgent } from './intercept-agent.js';
import { ToolCalls } from './tool-calls.js';

/** The client that an agent asks, as its runs stand in it. @internal */
export interface AgentClient extends ClientScope {
  readonly label?: string;
  readonly model?: string;
}

/** What agents are made of. @internal */
export interface AgentParts {
  /** Asks the model of the agent's client. */
  readonly llm: LlmService;
  /** The client that the agent's runs stand in. */
  readonly client: AgentClient;
  readonly runs: RunFactory;
  readonly registry: HandlerRegistry;
  readonly tools: ToolRegistry;
  readonly runtime: RunRuntime;
  /** Signs pending runs, and decides which are resumed. */
  readonly approvals: Approvals;
  /** Brings the tools of modules that came since. */
  readonly source: HandlerSource;
  /** Has the tools of an agent looked up when the application starts. */
  announce(agent: Agent): void;
}

/** How an agent shows itself to another one. */
export interface AgentToolOptions {
  /**
   * How the model calls it.
   * @default the agent's name
   */
  name?: string;
  /** What the agent can do, and when to ask it: the model reads this. */
  description?: string;
}

/** An agent, as `callbacks.report()` shows it. */
export interface AgentReport {
  readonly name: string | undefined;
  /** The name of the client that it asks. */
  readonly client: string;
  /** Missing where neither the agent nor its client has one. */
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
 * A model that works towards a goal: it calls tools, sees their results, and goes on until it can answer.
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

  /** @internal made by `AgentService` */
  constructor(parts: AgentParts, options: AgentOptions = {}) {
    checkAgentOptions(options, (options as AgentOptions | null)?.name);
    if (options.callbacks) parts.registry.checkObjects(options.callbacks, 'instance');
    this.#parts = parts;
    this.#options = options;
    this.#scope = { name: undefined, callbacks: options.callbacks ?? [] };
    parts.announce(this);
  }

  /** What it is called in errors, and as a tool of another agent. */
  get name(): string | undefined {
    return this.#options.name;
  }

  /**
   * Works until the goal is reached.
   *
   * @param goal what it is to do, in words
   * @returns the answer, or `pending` when calls wait for approval
   * @throws an error of the `LlmError` tree, `MaxStepsExceededError`, `BudgetExceededError`, a tool's error where that
   * ends the agent, or what a critical handler threw
   */
  run<T = unknown>(goal: string, options: AgentRunOptions<T> = {}): Promise<AgentResult<T>> {
    const begin = () => this.#prepare(this.#spec(goal, options, false), options).begin();
    // The run's schema, which made the object, is one of T.
    return promised(begin) as Promise<AgentResult<T>>;
  }

  /** The same, told event by event. Nothing happens before the stream is read; its errors show there. */
  stream(goal: string, options: AgentRunOptions = {}): AgentStream {
    try {
      const cold = this.#prepare(this.#spec(goal, options, true), options);
      return new AgentStream(cold, this.#parts.runs);
    } catch (error) {
      return new AgentStream(error as Error, this.#parts.runs);
    }
  }

  /**
   * Goes on with a run that stopped with `result.pending`, in this or another process: an agent with the same tools. It
   * acts for the user of the first run: `userId`, `tenantId` and `conversationId` are those of `pending.context`, over
   * the context of this call and over its options. Tags and metadata are those of this call. Calls without a decision
   * keep waiting.
   *
   * @param pending `result.pending` as it was stored
   * @param decisions by id of the tool call
   * @param options those of the run, which are not stored; `approver` says who has decided
   * @throws PendingRunError for a pending run that is not what was stored, is too old, or has been resumed
   * @throws LlmInvalidRequestError for a decision that makes no sense
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
   * The agent as a tool of another one: its run is nested in the tool's. Its calls that need approval must be answered by
   * an `approve` of its own, because a nested run cannot be stored.
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

  /** What `callbacks.report()` says of it. @internal */
  describe(): AgentReport {
    const { client } = this.#parts;
    return {
      name: this.name,
      client: client.name ?? 'default',
      model: this.#options.model ?? client.model,
      tools: (this.#tools ?? []).map(({ spec }) => spec.name),
    };
  }

  /** Looks its tools up, and says which are missing. @internal */
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
    const begin = () => agent.complete(() => interceptAgent(agent, work));
    return { agent, feed, begin };
  }
}

/** Who a resumed run is made for; version 1 of pending runs does not say. */
function actsFor({ resumed }: AgentSpec): PendingContext | undefined {
  return resumed?.pending.v === 2 ? resumed.pending.context : undefined;
}
