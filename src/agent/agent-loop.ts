import { randomUUID } from 'node:crypto';
import type { Approvals } from '../approvals/approvals.js';
import { tooLate } from '../dispatch/compose.js';
import { BudgetExceededError } from '../errors/callbacks-error.js';
import { MaxStepsExceededError, UnknownPriceError } from '../errors/callback-errors.js';
import { pausable, stoppedWith, type LlmCallOptions } from '../llm/llm-options.js';
import type { LlmService } from '../llm/llm.service.js';
import { READER_LEFT } from '../runs/active-run.js';
import { Totals } from '../runs/traced-run.js';
import type { AgentResult, PendingContext, SettledToolCall } from '../types/agent.js';
import type { FinishReason, LlmResponse } from '../types/llm.js';
import type { Message, ToolCall, ToolChoice } from '../types/message.js';
import type { AgentRun, Resumption } from './agent-run.js';
import type { ToolCalls } from './tool-scheduler.js';
import {
  openCalls,
  sortLike,
  textOf,
  toPending,
  toToolMessages,
  withToolNames,
} from './transcript.js';

/** A turn: the model's message, and which of its calls have a result already. */
interface Turn {
  readonly message: Message;
  readonly finishReason: FinishReason;
  readonly object?: unknown;
  readonly settled: readonly SettledToolCall[];
  /** Set for the turn that another run has left. */
  readonly resumed?: Resumption;
}

/** Turn by turn: calls the model, executes the tool calls, sends their results back, until the model answers. */
export class AgentLoop {
  readonly #messages: Message[];
  #options: LlmCallOptions | undefined;
  /** Whether a turn has called tools, so that the model need not call any more. */
  #hasCalled = false;
  /** Stops the current model call when the consumer stops reading. */
  #stopAsking: (() => void) | undefined;

  constructor(
    private readonly agent: AgentRun,
    private readonly llm: LlmService,
    private readonly tools: ToolCalls,
    private readonly approvals: Approvals,
    messages: readonly Message[],
  ) {
    this.#messages = [...messages];
    agent.run.onAbort((reason) => tools.stop(reason));
    agent.reader.onAbort(() => {
      tools.stop(READER_LEFT);
      this.#stopAsking?.();
    });
  }

  async run(): Promise<AgentResult> {
    let turn = this.#resumed() ?? (await this.#ask());
    for (;;) {
      const { toolCalls = [] } = turn.message;
      const settled = [...turn.settled];
      if (this.agent.isCancelled) return this.#cancelled(turn, settled);
      const waiting = toolCalls.length === 0 ? [] : await this.#callTools(turn, settled);
      if (this.agent.run.aborted) throw this.agent.run.reason as Error;
      if (this.agent.isCancelled) return this.#cancelled(turn, settled);
      if (waiting.length > 0) return this.#pause(turn, settled, waiting);
      const dispatching = this.#step(turn, settled);
      if (dispatching !== undefined) await dispatching;
      if (this.agent.run.aborted) throw this.agent.run.reason as Error;
      if (toolCalls.length === 0 && turn.finishReason !== 'paused')
        return this.#result(turn, turn.finishReason);
      this.#messages.push(...toToolMessages(settled));
      turn = await this.#ask();
    }
  }

  async #ask(): Promise<Turn> {
    const { agent } = this;
    if (agent.isCancelled) return CANCELLED;
    if (agent.run.ended) throw tooLate('agent');
    this.#checkLimits();
    agent.turn = new Totals();
    let response: LlmResponse;
    try {
      response = await this.#generate();
    } catch (error) {
      if (agent.isCancelled && !agent.run.aborted) return CANCELLED;
      throw error;
    }
    const message = withToolNames(response.message);
    this.#messages.push(message);
    const { finishReason, object } = response;
    return { message, finishReason, object, settled: [] };
  }

  /** A streamed agent streams its model too, unless the answer has a schema: a stream cannot be repaired. */
  #generate(): Promise<LlmResponse> {
    const { streaming, schema } = this.agent.spec;
    const options = (this.#options ??= optionsOf(this.agent));
    if (this.#hasCalled && isForced(options.toolChoice)) options.toolChoice = 'auto';
    if (!streaming || schema !== undefined) return this.llm.generate(this.#messages, options);
    const stream = this.llm.stream(this.#messages, options);
    this.#stopAsking = () => void stream[Symbol.asyncDispose]();
    return stream.response;
  }

  #checkLimits(): void {
    const { spec, steps, totals } = this.agent;
    if (steps.length >= spec.maxSteps) {
      throw new MaxStepsExceededError(
        `The agent has used up its maxSteps of ${spec.maxSteps} and is not done: raise it, or give it a smaller goal.`,
        steps,
        { messages: [...this.#messages] },
      );
    }
    const { maxCost } = spec;
    if (maxCost === undefined || (totals.cost !== null && totals.cost < maxCost)) return;
    if (steps.length === 0) return;
    if (totals.cost === null) {
      throw new UnknownPriceError(
        'The agent has a maxCost, but what its turns cost is not known: give the price of its model in forRoot({ prices }).',
      );
    }
    throw new BudgetExceededError(`The agent has spent its maxCost of ${maxCost} US dollars.`);
  }

  /** Calls the tools of a turn that have no result; returns the calls that wait for approval. */
  async #callTools(turn: Turn, settled: SettledToolCall[]): Promise<ToolCall[]> {
    const { toolCalls = [] } = turn.message;
    this.#hasCalled = true;
    const open = openCalls(toolCalls, settled);
    if (open.length === 0) return [];
    const refusal = isCut(turn) ? CUT : undefined;
    const outcomes = await this.tools.callAll(open, { resumed: turn.resumed, refusal });
    const waiting: ToolCall[] = [];
    for (const outcome of outcomes) {
      if (outcome === undefined) continue;
      if ('pending' in outcome) waiting.push(outcome.pending);
      else settled.push(outcome.settled);
    }
    if (open !== toolCalls) sortLike(toolCalls, settled);
    return waiting;
  }

  /** The result must be awaited. */
  #step(
    { message, finishReason }: Turn,
    settled: readonly SettledToolCall[],
  ): void | Promise<void> {
    const { toolCalls = [] } = message;
    const { steps, turn } = this.agent;
    return this.agent.step({
      index: steps.length,
      action: toolCalls.length > 0 ? 'tool_calls' : finishReason === 'paused' ? 'paused' : 'final',
      text: textOf(message),
      toolCalls,
      toolResults: settled.map(({ content: _content, ...result }) => result),
      usage: turn.usage,
      cost: turn.cost,
    });
  }

  /** The transcript of a cancelled agent is ready for the next run: each call has a result. */
  #cancelled(turn: Turn, settled: readonly SettledToolCall[]): AgentResult {
    const { toolCalls = [] } = turn.message;
    this.#messages.push(...toToolMessages(settled));
    for (const { id } of openCalls(toolCalls, settled))
      this.#messages.push({ role: 'tool', toolCallId: id, content: STOPPED });
    return this.#result(turn, 'cancelled');
  }

  #result({ message, object }: Turn, finishReason: FinishReason): AgentResult {
    const { steps, totals, run } = this.agent;
    return {
      output: textOf(message),
      ...(object !== undefined && { object }),
      steps,
      messages: this.#messages,
      usage: totals.usage,
      cost: totals.cost,
      runId: run.runId,
      finishReason,
    };
  }

  #pause(turn: Turn, settled: SettledToolCall[], toolCalls: ToolCall[]): AgentResult {
    const result = this.#result(turn, turn.finishReason);
    const { usage, cost } = this.agent.turn;
    const { goal } = this.agent.spec;
    const id = turnIdOf(turn);
    const context = this.agent.run.context as PendingContext;
    const { userId, tenantId, conversationId } = context;
    const pending = toPending(result, {
      context: { userId, tenantId, conversationId },
      goal,
      toolCalls,
      turn: { id, settled, usage, cost },
    });
    return { ...result, output: '', pending: this.approvals.seal(pending) };
  }

  #resumed(): Turn | undefined {
    const { resumed } = this.agent.spec;
    if (resumed === undefined) return undefined;
    const { messages, turn } = resumed.pending;
    this.agent.turn.add(turn.usage, turn.cost);
    return {
      message: messages.at(-1)!,
      finishReason: 'tool-calls',
      settled: turn.settled,
      resumed,
    };
  }
}

/** Stays the same while a turn waits, whichever run resumes it. */
function turnIdOf({ resumed }: Turn): string {
  if (resumed === undefined) return randomUUID();
  const { pending } = resumed;
  return pending.v === 1 ? pending.runId : pending.turn.id;
}

/** Whether a choice leaves the model no way to answer. */
function isForced(choice: ToolChoice | undefined): boolean {
  return choice === 'required' || typeof choice === 'object';
}

const STOPPED = 'Error: The call was stopped before it was done.';

const CUT =
  'The limit on output tokens (maxOutputTokens) cut the answer before the arguments of all its tool calls were complete, so that none of them was made. Answer again: shorter, or with fewer calls.';

/** Whether the limit on output tokens cut a turn inside one of its calls: then its intent is uncertain. */
function isCut({ message: { toolCalls = [] }, finishReason }: Turn): boolean {
  return finishReason === 'length' && toolCalls.some(({ argsError }) => argsError !== undefined);
}

/** The options of each turn's call. */
function optionsOf(agent: AgentRun): LlmCallOptions {
  const { persona, model, tools, schema, streaming, sampling } = agent.spec;
  // The consumer cancels a stream; a call in its place is aborted.
  const options = pausable(
    streaming && schema !== undefined ? { signal: agent.stopSignal } : stoppedWith(agent.run),
  );
  Object.assign(options, sampling);
  // Providers reject a choice without tools.
  if (tools.length === 0) delete options.toolChoice;
  if (persona !== undefined) options.system = persona;
  if (model !== undefined) options.model = model;
  if (tools.length > 0) options.tools = tools.map((tool) => tool.spec);
  if (schema !== undefined) options.schema = schema;
  return options;
}

/** The turn of an agent that was cancelled before the turn was complete. */
const CANCELLED: Turn = {
  message: { role: 'assistant', content: '' },
  finishReason: 'cancelled',
  settled: [],
};
