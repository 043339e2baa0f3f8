export * from './chain-events.js';
export * from './intercept-tool.js';
export * from './retrieval-events.js';
export * from './tool-events.js';
export * from './work-context.js';
export * from './work-run.js';
export * from './work-runner.js';
