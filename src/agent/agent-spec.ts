import type { CallClaims } from '../approvals/call-claims.js';
import type { StoredRun } from '../approvals/check-pending.js';
import type { SamplingOptions } from '../llm/check-call-options.js';
import type { Schema } from '../schema/schema.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { Message } from '../types/message.js';
import type { CallableTool } from '../tools/tool.js';
import type { Approve } from './agent-options.js';

/** The specification of one run of an agent: its options, checked and with defaults. */
export interface AgentSpec {
  readonly agentName: string | undefined;
  readonly goal: string;
  /** The conversation of the first turn. */
  readonly messages: readonly Message[];
  readonly tools: readonly CallableTool[];
  readonly persona: string | undefined;
  readonly model: string | undefined;
  /** The options of each turn's call. */
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
  /** Set if the run resumes another one. */
  readonly resumed: Resumption | undefined;
}

/** How a run resumes another one. */
export interface Resumption {
  readonly pending: StoredRun;
  /** By id of the call. */
  readonly decisions: ReadonlyMap<string, ApprovalDecision>;
  /** Who has decided. */
  readonly approver: string | undefined;
  /** Ensures that each call of the turn is executed or denied once. */
  readonly claims: CallClaims;
}
