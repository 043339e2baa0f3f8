import { Body, Controller, Injectable, NotFoundException, Param, Post, Req } from '@nestjs/common';
import {
  AgentService,
  CallbacksModule,
  InjectAgent,
  OnAgentEnd,
  PendingRunError,
  type AgentEndEvent,
  type AgentResult,
  type LimitStore,
  type PendingRun,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

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
/** A request, with what the application's guard has put into it. */
export interface SignedIn {
  user: { id: string; tenant: string };
}

export abstract class PendingRuns {
  abstract save(run: PendingRun): Promise<void>;
  /** That of a tenant: who approves must not see those of others. */
  abstract find(runId: string, tenant: string): Promise<PendingRun | undefined>;
  abstract remove(runId: string): Promise<void>;
}

@Controller('desk')
export class DeskController {
  constructor(
    @InjectAgent('support') private readonly agent: AgentService,
    private readonly runs: PendingRuns,
  ) {}

  @Post()
  async ask(@Body() { question }: { question: string }, @Req() { user }: SignedIn) {
    const { id: userId, tenant: tenantId } = user;
    return this.answer(await this.agent.run(question, { userId, tenantId }));
  }

  // Guard this route: who may approve is for your application to say.
  @Post(':runId/decision')
  async decide(
    @Param('runId') runId: string,
    @Body() { approve }: { approve: boolean },
    @Req() { user }: SignedIn,
  ) {
    const run = await this.runs.find(runId, user.tenant);
    if (run === undefined) throw new NotFoundException('Nothing waits under this id.');
    const decisions = Object.fromEntries(run.toolCalls.map(({ id }) => [id, { approve }]));
    // Made, and billed, for the user who asked; the events of the calls say who approved.
    try {
      const result = await this.agent.resume(run, decisions, { approver: user.id });
      // Not before: a run that could not begin can be resumed again, and no call is made twice (409).
      await this.runs.remove(runId);
      return await this.answer(result);
    } catch (error) {
      // Its calls were made, and the run failed afterwards: it cannot go on.
      if (error instanceof PendingRunError && error.reason === 'replayed')
        await this.runs.remove(runId);
      throw error;
    }
  }

  private async answer({ output, pending }: AgentResult) {
    if (pending === undefined) return { output };
    await this.runs.save(pending);
    return { waitsAs: pending.runId, for: pending.toolCalls.map(({ name, args }) => [name, args]) };
  }
}
// #endregion

// #region store
@Injectable()
export class WaitingRuns {
  constructor(private readonly runs: PendingRuns) {}

  // For run, stream and resume alike. Critical: a run that was not stored must not seem to wait.
  @OnAgentEnd({ critical: true, when: ({ result }) => result.pending !== undefined })
  async store({ result }: AgentEndEvent) {
    await this.runs.save(result.pending!);
  }
}
// #endregion

// #region sign
export function withApprovals(store: LimitStore) {
  return CallbacksModule.forRoot({
    llm: model,
    approvals: {
      key: process.env.APPROVALS_KEY!, // `openssl rand -base64 32`, the same in each replica
      keyId: '2027',
      maxAgeMs: 3 * 86_400_000,
      store, // a RedisLimitStore where there are several replicas
    },
  });
}
// #endregion
