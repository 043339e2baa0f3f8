import type { IdRule } from '../shared/call-ids.js';

/** The ids of tool calls that any server takes which says nothing of its rule. */
const ANY: IdRule = { fits: /^./s, length: 24, uniqueIn: 'turn' };
const OPENAI: IdRule = { fits: /^.{1,40}$/s, length: 24, uniqueIn: 'turn' };
const MISTRAL: IdRule = { fits: /^[a-zA-Z0-9]{9}$/, length: 9, uniqueIn: 'turn' };

/** Which ids of tool calls a server takes, by the label of its host. */
export function chatIdsOf(server: string | undefined): IdRule {
  if (server === 'mistral') return MISTRAL;
  return server === 'openai' || server === 'azure' ? OPENAI : ANY;
}
