export * from './agent.js';
export * from './llm.js';
export * from './message.js';
export * from './tool-name.js';
export * from './tool.js';
export * from './usage.js';
