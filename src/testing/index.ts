export * from './fake-llm-response.js';
export * from './fake-llm.js';
export * from './recording-callbacks.js';
