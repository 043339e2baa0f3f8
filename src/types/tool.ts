/** A person's decision on a tool call. */
export interface ToolApproval {
  /** `pending` until a person decides. */
  status: 'pending' | 'approved' | 'denied';
  /** The reason given with the decision. */
  reason?: string;
  /** Who decided, as passed to `agent.resume(pending, decisions, { approver })`. */
  approver?: string;
}
