import * as z from 'zod';

/** The schema in the tests of structured output. */
export const CITY = z.object({ name: z.string(), people: z.number() });

/** The same schema, as it is sent. */
export const PLAIN_CITY = {
  type: 'object',
  properties: { name: { type: 'string' }, people: { type: 'number' } },
  required: ['name', 'people'],
  additionalProperties: false,
};

export const TOKYO = { name: 'Tokyo', people: 14_000_000 };
/** An answer that matches. */
export const GOOD = JSON.stringify(TOKYO);
/** An answer that does not match. */
export const BAD = '{"name":"Tokyo","people":"many"}';
