import type { Approvals } from '../approvals/approvals.js';
import { ToolArgumentsError } from '../errors/callback-errors.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { LlmInvalidRequestError } from '../errors/llm-errors.js';
import { withArgsText } from '../llm/call/llm-request.js';
import { faultOf, SAMPLING_OPTIONS, samplingOf } from '../llm/check-llm-options.js';
import { RUN_CONTEXT_OPTIONS } from '../runs/request-context.js';
import type { CallableTool } from '../tools/tool.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { Message } from '../types/message.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { isTimeoutMs, TIMEOUT_RULE } from '../util/promises.js';
import type {
  AgentOptions,
  AgentRunOptions,
  AgentSettings,
  ResumeOptions,
} from './agent-options.js';
import type { AgentSpec, Resumption } from './agent-run.js';
import { checkArguments, withArgs } from './tool-arguments.js';

const DEFAULT_MAX_STEPS = 10;
const DEFAULT_TOOL_CONCURRENCY = 8;

type Settings = AgentOptions & AgentRunOptions;

const SETTINGS = {
  persona: true,
  model: true,
  maxSteps: true,
  maxCost: true,
  toolConcurrency: true,
  onToolError: true,
  schema: true,
  approve: true,
  callbacks: true,
  ...SAMPLING_OPTIONS,
} as const satisfies Record<keyof AgentSettings, true>;
const AGENT_OPTIONS = optionNames<AgentOptions>({ name: true, tools: true, ...SETTINGS });
const OF_RUN = { signal: true, timeoutMs: true, ...SETTINGS, ...RUN_CONTEXT_OPTIONS } as const;
const RUN_OPTIONS = optionNames<AgentRunOptions>({ messages: true, ...OF_RUN });
const RESUME_OPTIONS = optionNames<ResumeOptions>({ approver: true, ...OF_RUN });
/** The owners of options, for errors, and the options' names. */
const OPTIONS_OF = {
  agent: ['it', AGENT_OPTIONS],
  run: ['a run of it', RUN_OPTIONS],
  resume: ['a resumed run of it', RESUME_OPTIONS],
} as const;

/**
 * Checks the options of an agent, as far as possible before it runs.
 *
 * @param kind the owner of the options
 */
export function checkAgentOptions(
  options: Settings,
  name: string | undefined,
  kind: keyof typeof OPTIONS_OF = 'agent',
): void {
  const refuseOption = (what: string): never => {
    throw new CallbacksConfigurationError(`The agent ${name ?? 'without a name'}: ${what}`);
  };
  if (!isOptions(options)) refuseOption(`its options must be an object, not ${kindOf(options)}.`);
  const [owner, known] = OPTIONS_OF[kind];
  const unknown = unknownOption(options, known);
  if (unknown !== undefined) refuseOption(`${owner} has no ${unknown}.`);
  const { persona, messages } = options;
  if (persona !== undefined && typeof persona !== 'string')
    refuseOption(`persona must be a text, not ${kindOf(persona)}.`);
  if (messages !== undefined && !Array.isArray(messages)) refuseOption('messages must be a list.');
  if (options.name !== undefined && typeof options.name !== 'string')
    refuseOption(`name must be a text, not ${kindOf(options.name)}.`);
  const { maxSteps, maxCost, toolConcurrency, onToolError, approve, timeoutMs, tools } = options;
  if (maxSteps !== undefined && !isPositiveInteger(maxSteps))
    refuseOption('maxSteps must be a whole number above 0.');
  if (toolConcurrency !== undefined && !isPositiveInteger(toolConcurrency))
    refuseOption('toolConcurrency must be a whole number above 0.');
  if (maxCost !== undefined && !(maxCost > 0)) refuseOption('maxCost must be above 0 US dollars.');
  if (timeoutMs !== undefined && !isTimeoutMs(timeoutMs)) refuseOption(TIMEOUT_RULE);
  if (onToolError !== undefined && onToolError !== 'continue' && onToolError !== 'fail')
    refuseOption("onToolError must be 'continue' or 'fail'.");
  if (approve !== undefined && typeof approve !== 'function')
    refuseOption('approve must be a function.');
  if (tools !== undefined && !Array.isArray(tools)) refuseOption('tools must be a list.');
  const fault = faultOf(options);
  if (fault !== undefined) refuseOption(fault);
}

/** Rejects a forced call that the agent cannot make: providers reject it, or the model invents a tool. */
function checkToolChoice(
  { toolChoice, name = 'without a name' }: Settings,
  tools: readonly CallableTool[],
): void {
  const names = tools.map(({ spec }) => spec.name);
  const refuseChoice = (what: string): never => {
    const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    throw new CallbacksConfigurationError(`The agent ${name}: toolChoice ${what}; ${known}.`);
  };
  if (toolChoice === 'required' && names.length === 0) refuseChoice('requires a tool');
  if (typeof toolChoice === 'object' && !names.includes(toolChoice.name))
    refuseChoice(`names "${toolChoice.name}", which is no tool of the agent`);
}

/** The specification of a run, from a goal. */
export function toSpec(
  goal: string,
  settings: Settings,
  tools: readonly CallableTool[],
  streaming: boolean,
): AgentSpec {
  if (typeof goal !== 'string' || goal.trim() === '') {
    throw new LlmInvalidRequestError('The goal is empty: give the agent something to do.');
  }
  checkToolChoice(settings, tools);
  const before = (settings.messages ?? []).map(withArgsText);
  const messages: Message[] = [...before, { role: 'user', content: goal }];
  return { ...filledIn(settings), goal, messages, tools, streaming, resumed: undefined };
}

/**
 * The specification of a run that resumes another one.
 *
 * @throws PendingRunError for a pending run that cannot be resumed; LlmInvalidRequestError for invalid decisions
 */
export function toResumedSpec(
  stored: unknown,
  decisions: Readonly<Record<string, ApprovalDecision>>,
  settings: Settings & ResumeOptions,
  { tools, approvals }: { tools: readonly CallableTool[]; approvals: Approvals },
): AgentSpec & { readonly resumed: Resumption } {
  const { approver } = settings;
  if (approver !== undefined && (typeof approver !== 'string' || approver === ''))
    refuseDecision('approver must be a text: who has decided.');
  const pending = approvals.open(stored);
  checkToolChoice(settings, tools);
  const waiting = pending.toolCalls.map(({ id }) => id);
  return {
    ...filledIn(settings),
    goal: pending.goal,
    messages: pending.messages,
    tools,
    streaming: false,
    resumed: {
      pending,
      decisions: checkDecisions(decisions, waiting),
      approver,
      claims: approvals.claimsOf(pending),
    },
  };
}

function filledIn(settings: Settings) {
  const { name: agentName, persona, model, maxCost, approve, schema, signal, timeoutMs } = settings;
  return {
    agentName,
    persona,
    model,
    sampling: samplingOf(settings),
    maxCost,
    approve,
    schema,
    signal,
    timeoutMs,
    maxSteps: settings.maxSteps ?? DEFAULT_MAX_STEPS,
    toolConcurrency: settings.toolConcurrency ?? DEFAULT_TOOL_CONCURRENCY,
    onToolError: settings.onToolError ?? 'continue',
  };
}

function isPositiveInteger(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

/** Copies the decisions: they cannot change after the check. */
function checkDecisions(
  decisions: Readonly<Record<string, ApprovalDecision>> | undefined,
  waiting: readonly string[],
): Map<string, ApprovalDecision> {
  const checked = new Map<string, ApprovalDecision>();
  for (const [id, decision] of Object.entries(decisions ?? {})) {
    if (!waiting.includes(id)) {
      refuseDecision(
        `no call with the id "${id}" waits for approval; those that do: ${waiting.join(', ')}.`,
      );
    }
    const { approve, reason, args } = Object(decision) as Partial<ApprovalDecision>;
    if (typeof approve !== 'boolean')
      refuseDecision(`the decision on "${id}" must say approve: true or false.`);
    if (reason !== undefined && reason !== null && typeof reason !== 'string')
      refuseDecision(`the reason of the decision on "${id}" must be a text.`);
    checked.set(id, {
      approve,
      ...(reason && { reason }),
      ...(args !== undefined && { args }),
    });
  }
  return checked;
}

/**
 * Rejects decisions whose own arguments do not match the tool's parameters, before anything starts: the calls keep
 * waiting.
 *
 * @throws LlmInvalidRequestError
 */
export async function checkDecidedArguments({
  tools,
  resumed: { pending, decisions },
}: AgentSpec & { readonly resumed: Resumption }): Promise<void> {
  for (const call of pending.toolCalls) {
    const { approve, args } = decisions.get(call.id) ?? {};
    const tool = tools.find(({ spec }) => spec.name === call.name);
    if (approve !== true || args === undefined || tool === undefined) continue;
    try {
      await checkArguments(withArgs(call, args), tool, []);
    } catch (error) {
      if (!(error instanceof ToolArgumentsError)) throw error;
      refuseDecision(`the decision on "${call.id}" has other arguments. ${error.message}`);
    }
  }
}

/** @throws LlmInvalidRequestError */
function refuseDecision(what: string): never {
  throw new LlmInvalidRequestError(`The pending run cannot be resumed: ${what}`);
}
