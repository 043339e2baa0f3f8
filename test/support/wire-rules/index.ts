export { anthropicViolations } from './anthropic-rules.js';
export { chatViolations } from './chat-rules.js';
export type { OpenAiRules } from './openai-rules.js';
export { responsesViolations } from './responses-rules.js';
