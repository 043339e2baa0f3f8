import { describe, expect, it } from '@jest/globals';
import { CallbacksConfigurationError, CostLimiter, RateLimiter } from 'nestjs-llm-callbacks';

describe('Invalid options of a limiter', () => {
  it.each<[string, object]>([
    ['give maxCost', {}],
    ['maxCost is NaN', { maxCost: NaN }],
    ['maxCost is -1', { maxCost: -1 }],
    ['maxCost is of type string', { maxCost: '1' }],
    ['must be a number from 0 to 9007199', { maxCost: 10_000_000 }],
    ['no option "maxcost"', { maxcost: 1 }],
    ["per must be 'global' or 'user'", { maxCost: 1, per: 'users' }],
    ['window is week', { maxCost: 1, window: 'week' }],
    ['window is 0', { maxCost: 1, window: 0 }],
    ['timeZone is "Mars"', { maxCost: 1, window: 'day', timeZone: 'Mars' }],
    ["mode must be 'reject' or 'wait'", { maxCost: 1, mode: 'queue' }],
    ['maxQueue must be a whole number', { maxCost: 1, maxQueue: -1 }],
    ["onMissingKey must be 'refuse' or 'global'", { maxCost: 1, onMissingKey: 'ignore' }],
    ["unknownPrice must be 'refuse' or 'allow'", { maxCost: 1, unknownPrice: 'maybe' }],
    ['threshold must be', { maxCost: 1, threshold: 80 }],
    ['onThreshold must be a function', { maxCost: 1, onThreshold: 'mail' }],
    ['assumedOutputTokens must be', { maxCost: 1, assumedOutputTokens: 0 }],
    ["onStoreError must be 'open'", { maxCost: 1, onStoreError: 'ignore' }],
    ['replicas must be', { maxCost: 1, replicas: 0 }],
    ['leaseMs must be', { maxCost: 1, leaseMs: 0 }],
    ["onLostReservation must be 'release' or 'charge'", { maxCost: 1, onLostReservation: 'keep' }],
    ['name must be a text', { maxCost: 1, name: '' }],
    ['store must be a LimitStore', { maxCost: 1, store: null }],
    ['with reserve, settle, renew', { maxCost: 1, store: { reserve: async () => ({}) } }],
    ['maxCost, per beside limits', { maxCost: 1, per: 'user', limits: [{ maxCost: 1 }] }],
    ['limits must be a list', { limits: [] }],
    ['no option "maxTokens"', { limits: [{ maxCost: 1, maxTokens: 1 }] }],
    ['two limits count the same', { limits: [{ maxCost: 1 }, { maxCost: 2 }] }],
  ])('throw an error: %s', (message, options) => {
    const make = () => new CostLimiter(options);
    expect(make).toThrow(CallbacksConfigurationError);
    expect(make).toThrow(message);
  });

  it.each<[string, object]>([
    ['give requestsPerMinute or tokensPerMinute', { per: 'user' }],
    ['requestsPerMinute is 0.5, but must be a whole number', { requestsPerMinute: 0.5 }],
    ['tokensPerMinute is -1', { tokensPerMinute: -1 }],
    ['no option "window"', { requestsPerMinute: 1, window: 1_000 }],
  ])('throw an error in a rate limiter: %s', (message, options) => {
    expect(() => new RateLimiter(options as never)).toThrow(message);
  });

  it('are reported if no options are given at all', () => {
    expect(() => new CostLimiter(undefined as never)).toThrow('CostLimiter needs options');
  });
});
