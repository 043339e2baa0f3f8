export * from './agent-options.js';
export * from './agent-stream.js';
export * from './agent.js';
export * from './agent.service.js';
export * from './intercept-agent.js';
export * from './tokens.js';
