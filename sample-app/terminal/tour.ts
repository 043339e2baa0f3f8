import type { CallbacksService, CostSnapshot } from 'nestjs-llm-callbacks';
import { ADMIN } from '../desk/admin.guard.js';
import { FIRST_LIMITS, type UserLimits } from '../limits/desk-limits.js';
import { costTable } from './cost-table.js';
import { DeskClient, type Reply } from './desk-client.js';
import { bold, dim, wrap } from './style.js';

/** US dollars: enough for one question at the mock's prices, but not for two. */
const SMALL_BUDGET = 0.0005;
const ASK_AT_MOST = 3;

/** A short tour for the terminal: real requests to the desk's own endpoints. */
export class Tour {
  readonly #desk: DeskClient;
  #step = 0;

  constructor(
    url: string,
    private readonly callbacks: CallbacksService,
    private readonly print: (text: string) => void,
  ) {
    this.#desk = new DeskClient(url);
  }

  async play(): Promise<void> {
    await this.#ask('Ada', 'Where is my order 1042?');
    await this.#stream('Grace', 'How do I get a refund?');
    await this.#leave('Alan', 'What does the manual say?');
    await this.#ask(undefined, 'May I ask without a name?');
    await this.#handOver('Ada', 'Where is my order 1042, please?');
    await this.#handOver('Grace', 'I want a refund for order 1045.');
    await this.#costs('What it cost');
    await this.#spend('Edsger', 'Where is my order 1042?');
    await this.#fail('Ada', 'How do I get a refund?');
    await this.#write('Ada', 'Where is my order 1042?');
    await this.#use('Ada');
    await this.#costs('What it cost in the end');
  }

  async #ask(user: string | undefined, question: string): Promise<Reply> {
    this.#title(`${user ?? 'Somebody'}: ${question}`, 'POST /tickets/answer');
    const reply = await this.#desk.post('/tickets/answer', user, { question });
    this.#reply(reply);
    return reply;
  }

  /** Asks the agent, and a colleague who approves what the agent may not do alone. */
  async #handOver(user: string, question: string): Promise<void> {
    this.#title(`${user} asks the agent: ${question}`, 'POST /tickets');
    const asked = await this.#desk.post('/tickets', user, { question });
    const { approvalId } = asked;
    if (approvalId === undefined) return this.#reply(asked);
    this.#say('A colleague has to agree first.');
    const decision = { approve: true, reason: 'The mill came back today.' };
    this.#title('Joan, a colleague, approves', 'POST /approvals/:id');
    this.#reply(await this.#desk.post(`/approvals/${approvalId}`, 'Joan', decision));
  }

  async #stream(user: string, question: string): Promise<void> {
    this.#title(`${user} reads along: ${question}`, 'GET /tickets/stream');
    let answer = '';
    for await (const text of this.#desk.read(user, question)) answer += text;
    this.#say(answer);
  }

  /** Stops reading after the first words, and waits until the desk has noticed. */
  async #leave(user: string, question: string): Promise<void> {
    this.#title(`${user} leaves early: ${question}`, 'GET /tickets/stream');
    const ended = this.#nextEnd();
    let answer = '';
    for await (const text of this.#desk.read(user, question)) {
      answer = text;
      break;
    }
    await ended;
    this.#say(`${answer} …`);
  }

  /** Sends questions until the budget is spent; the budget is small meanwhile. */
  async #spend(user: string, question: string): Promise<void> {
    this.#title('An admin makes all budgets small', 'PATCH /limits');
    await this.#desk.patch('/limits', ADMIN, { maxCost: SMALL_BUDGET });
    this.#say(`Each user may spend $${SMALL_BUDGET} a day, for now.`);
    try {
      for (let asked = 0; asked < ASK_AT_MOST; asked++) {
        const { answer } = await this.#ask(user, question);
        if (answer === undefined) break;
      }
    } finally {
      await this.#desk.patch('/limits', ADMIN, FIRST_LIMITS);
    }
  }

  /** Makes the answering model fail, so that the backup answers. */
  async #fail(user: string, question: string): Promise<void> {
    this.#title('The model that answers fails once', 'POST /outage');
    const { status, message } = await this.#desk.post('/outage', ADMIN, { client: 'support' });
    this.#say(message === undefined ? 'The backup will answer.' : `${status} ${message}`);
    await this.#ask(user, question);
  }

  /** Notes by clients of other packages, which are observed. */
  async #write(user: string, question: string): Promise<void> {
    this.#title(`Notes about ${user}'s question, by observed clients`, 'POST /notes');
    const { summary, subject, ...reply } = await this.#desk.post('/notes', user, { question });
    this.#reply(summary === undefined ? reply : { ...reply, answer: `${subject}: ${summary}` });
  }

  async #use(user: string): Promise<void> {
    this.#title(`What ${user} has used`, 'GET /limits/:user');
    const path = `/limits/${user.toLowerCase()}`;
    const limits = await this.#desk.get<UserLimits | { message: string }>(path, user);
    if ('message' in limits) return this.#say(limits.message);
    const { budget, rate } = limits;
    const spent = `$${budget.used.toFixed(6)} of $${budget.limit} today`;
    this.#say(`${spent}, ${rate.used} of ${rate.limit} requests in the last minute`);
  }

  #nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      const remove = this.callbacks.on(
        '*',
        ({ type }) => {
          if (type !== 'llm.end' && type !== 'llm.error') return;
          remove();
          resolve();
        },
        { order: Infinity },
      );
    });
  }

  async #costs(title: string): Promise<void> {
    this.print(`${bold(title)}  ${dim('GET /costs')}`);
    this.print(`${costTable(await this.#desk.get<CostSnapshot>('/costs'))}\n`);
  }

  #title(title: string, route: string): void {
    this.print(`${bold(`${++this.#step}  ${title}`)}  ${dim(route)}`);
  }

  #reply({ answer, status, message }: Reply): void {
    this.#say(answer ?? `${status} ${message}`);
  }

  #say(text: string): void {
    this.print(`${wrap(`→ ${text}`)}\n`);
  }
}
