import { LlmService, SchemaValidationError, type AgentService } from 'nestjs-llm-callbacks';
import { z } from 'zod';

// #region generate
const Recipe = z.object({ title: z.string(), minutes: z.int(), steps: z.array(z.string()) });

export async function cook(llm: LlmService, dish: string) {
  const { object } = await llm.generate(`How do I cook ${dish}?`, { schema: Recipe });
  return `${object.title}: ${object.steps.length} steps, ${object.minutes} minutes`;
}
// #endregion

// #region stream
export async function cookAloud(llm: LlmService, dish: string) {
  const stream = llm.stream(`How do I cook ${dish}?`, { schema: Recipe });
  for await (const { steps = [] } of stream.partialObjects) {
    console.log(`${steps.length} steps so far`);
  }
  return (await stream.response).object;
}
// #endregion

// #region plain
export async function capitalOf(llm: LlmService, country: string) {
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  } as const;
  try {
    const { object } = await llm.generate<{ city: string }>(`The capital of ${country}?`, {
      schema,
    });
    return object.city;
  } catch (error) {
    if (error instanceof SchemaValidationError) return `unreadable: ${error.issues}`;
    throw error;
  }
}
// #endregion

// #region agent
export async function plan(agent: AgentService, dish: string) {
  const { object } = await agent.run(`Find a recipe for ${dish}.`, { schema: Recipe });
  return object; // checked, and of the schema's type; undefined while approvals are waited for
}
// #endregion
