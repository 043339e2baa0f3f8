import type { CallClaims } from '../approvals/call-claims.js';
import type { StoredRun } from '../approvals/check-pending.js';
import type { SamplingOptions } from '../llm/check-call-options.js';
import type { Schema } from '../schema/schema.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { Message } from '../types/message.js';
import type { CallableTool } from '../tools/tool.js';
import type { Approve } from './agent-options.js';

/** What one run of an agent is to do: its options, checked and filled in. */
export interface AgentSpec {
  readonly agentName: string | undefined;
  readonly goal: string;
  /** The conversation that the first turn sees. */
  readonly messages: readonly Message[];
  readonly tools: readonly CallableTool[];
  readonly persona: string | undefined;
  readonly model: string | undefined;
  /** The options that each turn's call has. */
  readonly sampling: SamplingOptions;
  readonly maxSteps: number;
  readonly maxCost: number | undefined;
  readonly toolConcurrency: number;
  readonly onToolError: 'continue' | 'fail';
  readonly schema: Schema | undefined;
  readonly approve: Approve | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly streaming: boolean;
  /** Where the run goes on with what another one left. */
  readonly resumed: Resumption | undefined;
}

/** How a run goes on with what another one left. */
export interface Resumption {
  readonly pending: StoredRun;
  /** By id of the call. */
  readonly decisions: ReadonlyMap<string, ApprovalDecision>;
  /** Who has decided. */
  readonly approver: string | undefined;
  /** See to it that each call of the turn is made or denied once. */
  readonly claims: CallClaims;
}
