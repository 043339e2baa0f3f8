import { randomInt } from 'node:crypto';
import { AgentService, defineTool } from 'nestjs-llm-callbacks';
import { z } from 'zod';

// #region dice
const dice = defineTool({
  name: 'throw_dice',
  description: 'Throws dice; gives what they show.',
  parameters: z.object({ count: z.int().min(1).max(10) }),
  execute: ({ count }) => Array.from({ length: count }, () => randomInt(1, 7)),
});

export function play(agents: AgentService) {
  return agents.create({ tools: [dice], maxSteps: 3 }).run('Throw three dice and add them up.');
}
// #endregion

// #region conversation
export async function introduce(agent: AgentService) {
  const { messages } = await agent.run('I am Ada.'); // the whole transcript, tools included
  return agent.run('Who am I?', { messages });
}
// #endregion

// #region nested
export function newsroom(agents: AgentService) {
  const researcher = agents.create({
    name: 'researcher',
    persona: 'You find facts. Name your source.',
    tools: ['searchArchive'], // a method with @Tool(), by its name
    maxSteps: 4,
  });
  return agents.create({
    name: 'writer',
    persona: 'You write short articles.',
    tools: [researcher.asTool({ description: 'Finds facts in the archive.' })],
  });
}
// #endregion
