/** Whether a person has agreed to a call of a tool. */
export interface ToolApproval {
  /** `pending` while nobody has answered. */
  status: 'pending' | 'approved' | 'denied';
  /** What was said with the answer. */
  reason?: string;
  /** Who decided, as `agent.resume(pending, decisions, { approver })` was given it. */
  approver?: string;
}
