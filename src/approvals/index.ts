export * from './approval-options.js';
export * from './approvals.js';
export * from './call-claims.js';
export type { StoredRun } from './check-pending.js';
