import type { CallbacksService, CostSnapshot } from 'nestjs-llm-callbacks';
import { costTable } from './cost-table.js';
import { readSse } from './read-sse.js';
import { bold, dim, wrap } from './style.js';

/** What the desk says: an answer, an id to decide about, or what is wrong. */
interface Reply {
  status: number;
  answer?: string;
  approvalId?: string;
  message?: string;
}

/** A short run for whoever reads the terminal: real requests to the desk's own endpoints. */
export class Tour {
  #step = 0;

  constructor(
    private readonly url: string,
    private readonly callbacks: CallbacksService,
    private readonly print: (text: string) => void,
  ) {}

  async play(): Promise<void> {
    await this.#ask('Ada', 'Where is my order 1042?');
    await this.#stream('Grace', 'How do I get a refund?');
    await this.#leave('Alan', 'What does the manual say?');
    await this.#ask(undefined, 'May I ask without a name?');
    await this.#handOver('Ada', 'Where is my order 1042, please?');
    await this.#handOver('Grace', 'I want a refund for order 1045.');
    const response = await fetch(`${this.url}/costs`);
    this.print(`${bold('What it cost')}  ${dim('GET /costs')}`);
    this.print(`${costTable((await response.json()) as CostSnapshot)}\n`);
  }

  async #ask(user: string | undefined, question: string): Promise<void> {
    this.#title(`${user ?? 'Somebody'}: ${question}`, 'POST /tickets/answer');
    this.#reply(await this.#post('/tickets/answer', user, { question }));
  }

  /** To the agent, and to a colleague who agrees to what the agent may not do alone. */
  async #handOver(user: string, question: string): Promise<void> {
    this.#title(`${user} asks the agent: ${question}`, 'POST /tickets');
    const asked = await this.#post('/tickets', user, { question });
    const { approvalId } = asked;
    if (approvalId === undefined) return this.#reply(asked);
    this.#say('A colleague has to agree first.');
    const decision = { approve: true, reason: 'The mill came back today.' };
    this.#title('Joan, a colleague, approves', 'POST /approvals/:id');
    this.#reply(await this.#post(`/approvals/${approvalId}`, 'Joan', decision));
  }

  async #stream(user: string, question: string): Promise<void> {
    this.#title(`${user} reads along: ${question}`, 'GET /tickets/stream');
    let answer = '';
    for await (const text of this.#read(user, question)) answer += text;
    this.#say(answer);
  }

  /** Stops reading after the first words, and waits until the desk has noticed. */
  async #leave(user: string, question: string): Promise<void> {
    this.#title(`${user} leaves early: ${question}`, 'GET /tickets/stream');
    const ended = this.#nextEnd();
    let answer = '';
    for await (const text of this.#read(user, question)) {
      answer = text;
      break;
    }
    await ended;
    this.#say(`${answer} …`);
  }

  async *#read(user: string, question: string): AsyncGenerator<string> {
    const query = new URLSearchParams({ q: question });
    yield* readSse(
      await fetch(`${this.url}/tickets/stream?${query.toString()}`, { headers: as(user) }),
    );
  }

  async #post(path: string, user: string | undefined, body: object): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(user) },
      body: JSON.stringify(body),
    });
    return { ...((await response.json()) as Reply), status: response.status };
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

function as(user: string | undefined): Record<string, string> {
  return user === undefined ? {} : { 'x-user-id': user.toLowerCase() };
}
