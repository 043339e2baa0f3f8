import { Body, Controller, NotFoundException, Param, Post } from '@nestjs/common';
import { AgentService, InjectAgent, type AgentResult, type PendingRun } from 'nestjs-llm-callbacks';

// #region callback
export abstract class Supervisors {
  abstract ask(question: string): Promise<boolean>;
}

export function supervised(agents: AgentService, supervisors: Supervisors) {
  return agents.create({
    tools: ['refund'],
    approve: async ({ name, args }, { context }) => {
      const isFine = await supervisors.ask(
        `${name} ${JSON.stringify(args)} for ${context.userId}?`,
      );
      return isFine ? { approve: true } : { approve: false, reason: 'A supervisor said no.' };
    },
  });
}
// #endregion

// #region resume
export abstract class PendingRuns {
  abstract save(run: PendingRun): Promise<void>;
  /** Removes it, so that a run is resumed once. */
  abstract take(runId: string): Promise<PendingRun | undefined>;
}

@Controller('desk')
export class DeskController {
  constructor(
    @InjectAgent('support') private readonly agent: AgentService,
    private readonly runs: PendingRuns,
  ) {}

  @Post()
  async ask(@Body() { question }: { question: string }) {
    return this.answer(await this.agent.run(question));
  }

  // Guard this route: who may approve is for your application to say.
  @Post(':runId/decision')
  async decide(@Param('runId') runId: string, @Body() { approve }: { approve: boolean }) {
    const run = await this.runs.take(runId);
    if (run === undefined) throw new NotFoundException('Nothing waits under this id.');
    const decisions = Object.fromEntries(run.toolCalls.map(({ id }) => [id, { approve }]));
    return this.answer(await this.agent.resume(run, decisions));
  }

  private async answer({ output, pending }: AgentResult) {
    if (pending === undefined) return { output };
    await this.runs.save(pending);
    return { waitsAs: pending.runId, for: pending.toolCalls.map(({ name, args }) => [name, args]) };
  }
}
// #endregion
