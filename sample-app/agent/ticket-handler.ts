import { Injectable } from '@nestjs/common';
import {
  AgentService,
  Chain,
  InjectAgent,
  PendingRunError,
  type AgentResult,
  type ApprovalDecision,
  type Message,
} from 'nestjs-llm-callbacks';
import { HelpTexts, type HelpText } from './help-texts.js';
import { WaitingTickets } from './waiting-tickets.js';

/** A call that a colleague must approve. */
export interface WaitingCall {
  tool: string;
  args: unknown;
}

export type TicketOutcome =
  | { status: 'answered'; answer: string; turns: number; tokens: number; cost: number | null }
  | { status: 'waiting'; approvalId: string; calls: WaitingCall[] };

/** Passes questions to the agent, with matching help texts. */
@Injectable()
export class TicketHandler {
  constructor(
    @InjectAgent('support') private readonly clerk: AgentService,
    private readonly help: HelpTexts,
    private readonly waiting: WaitingTickets,
  ) {}

  @Chain('handle ticket')
  async handle(question: string): Promise<TicketOutcome> {
    const messages = toMessages(this.help.search(question));
    return this.#outcome(await this.clerk.run(question, { messages }));
  }

  /**
   * Resumes a ticket, for the customer who asked. If it fails before its calls were executed, it can be decided again;
   * afterwards it cannot, so that nothing is paid twice.
   *
   * @param approver the colleague who has decided
   */
  @Chain('resume ticket')
  async resume(
    approvalId: string,
    decision: ApprovalDecision,
    approver?: string,
  ): Promise<TicketOutcome> {
    const run = this.waiting.take(approvalId);
    try {
      const decisions = Object.fromEntries(run.toolCalls.map(({ id }) => [id, decision]));
      return this.#outcome(await this.clerk.resume(run, decisions, { approver }));
    } catch (error) {
      if (!(error instanceof PendingRunError)) this.waiting.keep(run, approvalId);
      throw error;
    }
  }

  #outcome({ output, steps, usage, cost, pending }: AgentResult): TicketOutcome {
    if (pending === undefined) {
      const { totalTokens: tokens } = usage;
      return { status: 'answered', answer: output, turns: steps.length, tokens, cost };
    }
    const calls = pending.toolCalls.map(({ name, args }) => ({ tool: name, args }));
    return { status: 'waiting', approvalId: this.waiting.keep(pending), calls };
  }
}

/** Help texts come from the shop, so they may be system messages; customers' texts may not. */
function toMessages(texts: readonly HelpText[]): Message[] {
  if (texts.length === 0) return [];
  const lines = texts.map(({ title, text }) => `- ${title}: ${text}`);
  return [{ role: 'system', content: ['What the shop says:', ...lines].join('\n') }];
}
