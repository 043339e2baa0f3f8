export * from './define-tool.js';
export * from './tool-registry.js';
export * from './tool-types.js';
export * from './tool.decorator.js';
export * from './tool.js';
