/** The models of the desk's clients: for sorting, for answering, and as a backup for answering. */
export const MODELS = {
  default: 'claude-haiku-4-5',
  support: 'gpt-5-mini',
  backup: 'gpt-5-nano',
} as const;

export type ClientName = keyof typeof MODELS;
