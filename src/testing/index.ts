export {
  type FakeAnswer,
  type FakeAnswering,
  FakeLlm,
  type FakeToolCall,
  fakeLlmResponse,
} from './fake-llm.js';
export { RealLlmCallError, forbidRealLlm } from './forbid-real-llm.js';
export * from './override-llm.js';
export * from './recording-callbacks.js';
