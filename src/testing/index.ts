export {
  type FakeAnswer,
  type FakeAnswering,
  FakeLlm,
  type FakeToolCall,
  fakeLlmResponse,
} from './fake-llm.js';
export { RealLlmCallError, forbidRealLlm } from './forbid-real-llm.js';
export { describeJobQueue } from './kits/describe-job-queue.js';
export { describeLimitStore } from './kits/describe-limit-store.js';
export { describeObserved } from './kits/describe-observed.js';
export { describeProvider } from './kits/describe-provider.js';
export type { JobQueueKitOptions, MakeJobQueue } from './kits/job-queue-bench.js';
export type { KitOptions, TestRunner } from './kits/kit.js';
export type { KitClock, LimitStoreKitOptions, MakeLimitStore } from './kits/limit-store-bench.js';
export type {
  MakeObserved,
  ObservedCaller,
  ObservedCallOptions,
  ObservedKitOptions,
  ObservedPlace,
} from './kits/observed-caller.js';
export type {
  MakeProvider,
  MakeProviderServer,
  ProviderKitOptions,
} from './kits/provider-bench.js';
export type * from './kits/provider-server.js';
export { serveProvider, type ProviderWire, type WireFrame } from './kits/serve-provider.js';
export * from './override-llm.js';
export * from './recording-callbacks.js';
