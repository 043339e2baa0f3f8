import type { CallbacksService, CostSnapshot } from 'nestjs-llm-callbacks';
import { costTable } from './cost-table.js';
import { readSse } from './read-sse.js';
import { bold, dim, wrap } from './style.js';

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
    const response = await fetch(`${this.url}/costs`);
    this.print(`${bold('What it cost')}  ${dim('GET /costs')}`);
    this.print(`${costTable((await response.json()) as CostSnapshot)}\n`);
  }

  async #ask(user: string | undefined, question: string): Promise<void> {
    this.#title(`${user ?? 'Somebody'}: ${question}`, 'POST /tickets/answer');
    const response = await fetch(`${this.url}/tickets/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(user) },
      body: JSON.stringify({ question }),
    });
    const { answer, message } = (await response.json()) as { answer?: string; message?: string };
    this.#reply(answer ?? `${response.status} ${message}`);
  }

  async #stream(user: string, question: string): Promise<void> {
    this.#title(`${user} reads along: ${question}`, 'GET /tickets/stream');
    let answer = '';
    for await (const text of this.#read(user, question)) answer += text;
    this.#reply(answer);
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
    this.#reply(`${answer} …`);
  }

  async *#read(user: string, question: string): AsyncGenerator<string> {
    const query = new URLSearchParams({ q: question });
    yield* readSse(
      await fetch(`${this.url}/tickets/stream?${query.toString()}`, { headers: as(user) }),
    );
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

  #reply(text: string): void {
    this.print(`${wrap(`→ ${text}`)}\n`);
  }
}

function as(user: string | undefined): Record<string, string> {
  return user === undefined ? {} : { 'x-user-id': user.toLowerCase() };
}
