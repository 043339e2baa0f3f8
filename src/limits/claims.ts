import type { InterceptedLlmCall } from '../llm/index.js';
import type { LimiterSettings } from './check-limiter.js';
import { checkAmount, counterKey, GLOBAL, ownerOf, type CallClaim, type Limit } from './limit.js';
import { toStored } from './limit-units.js';

/** Makes the error of a call that cannot be counted. */
type Refuse = (problem: string) => Error;

/** What a call claims of each limit. */
export async function claimsOf(
  call: InterceptedLlmCall,
  settings: LimiterSettings,
  refuse: Refuse,
): Promise<CallClaim[]> {
  const claims: CallClaim[] = [];
  for (const limit of settings.limits) claims.push(await claimOf(limit, call, settings, refuse));
  return claims;
}

async function claimOf(
  source: Limit,
  call: InterceptedLlmCall,
  settings: LimiterSettings,
  refuse: Refuse,
): Promise<CallClaim> {
  const { unit, window, per } = source;
  const owner = ownerOf(source, call) ?? (settings.onMissingKey === GLOBAL ? GLOBAL : undefined);
  if (owner === undefined) throw refuse(missingKey(per));
  const given =
    typeof source.amount === 'function' ? await source.amount(call.event) : source.amount;
  const limit = checkAmount(unit, given);
  if (typeof limit === 'string') throw refuse(`${limit}.`);
  const { amount, isGuess } = unit.expect(call, settings.assumedOutputTokens);
  if (amount === undefined && settings.unknownPrice === 'refuse') {
    throw refuse(
      `the price of ${call.provider}/${call.request.model} is not known; give it in forRoot({ prices }), or set unknownPrice: 'allow'.`,
    );
  }
  return {
    source,
    owner,
    key: counterKey(source, owner),
    window,
    limit,
    amount: toStored(unit, amount ?? 0),
    elastic: isGuess,
    ...thresholdOf(limit, settings),
  };
}

function missingKey(per: Limit['per']): string {
  const what = typeof per === 'function' ? 'key by its function' : `${per}Id`;
  return `the call has no ${what}, so that its limit is not known; set it by the context, or set onMissingKey: 'global'.`;
}

/** Products like `0.07 * 100` are a little more than they should be. */
const NOISE = 1e-6;

function thresholdOf(limit: number, { onThreshold, threshold }: LimiterSettings) {
  if (onThreshold === undefined || limit === 0) return {};
  return { tellFrom: Math.ceil(limit * threshold - NOISE) };
}
