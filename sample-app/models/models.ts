/** Which model each client of the desk asks: sorting, answering, and standing in for the one that answers. */
export const MODELS = {
  default: 'claude-haiku-4-5',
  support: 'gpt-5-mini',
  backup: 'gpt-5-nano',
} as const;

export type ClientName = keyof typeof MODELS;
