import { ToolArgumentsError } from '../errors/agent-errors.js';
import { LlmInvalidRequestError } from '../errors/llm-errors.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { AgentSpec, Resumption } from './agent-spec.js';
import { checkArguments, withArgs } from './tool-arguments.js';

/** Copies the decisions: they cannot change after the check. */
export function checkDecisions(
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
export function refuseDecision(what: string): never {
  throw new LlmInvalidRequestError(`The pending run cannot be resumed: ${what}`);
}
