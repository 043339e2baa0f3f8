export * from './fake-llm-response.js';
export * from './fake-llm.js';
export * from './forbid-real-llm.js';
export * from './override-llm.js';
export * from './real-llm-call-error.js';
export * from './recording-callbacks.js';
