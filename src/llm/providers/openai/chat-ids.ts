import type { IdRule } from '../shared/call-ids.js';

/** The ids of tool calls for servers whose rule is not known. */
const ANY: IdRule = { fits: /^./s, length: 24, uniqueIn: 'turn' };
const OPENAI: IdRule = { fits: /^.{1,40}$/s, length: 24, uniqueIn: 'turn' };
const MISTRAL: IdRule = { fits: /^[a-zA-Z0-9]{9}$/, length: 9, uniqueIn: 'turn' };

/** Which tool call ids a server accepts, by the label of its host. */
export function chatIdsOf(server: string | undefined): IdRule {
  if (server === 'mistral') return MISTRAL;
  return server === 'openai' || server === 'azure' ? OPENAI : ANY;
}
