import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CallbacksModule,
  getLlmToken,
  LlmInvalidRequestError,
  type LlmResponse,
  type LlmService,
  type Message,
} from 'nestjs-llm-callbacks';
import type { TestingModule } from '@nestjs/testing';
import { closeApps, startApp } from '../../support/app.js';
import { CapturedWire, HOSTS } from '../../support/histories/captured-wire.js';
import { randomAnswer, thoughtOf } from '../../support/histories/random-answers.js';
import { RandomHistory, type History } from '../../support/histories/random-history.js';
import { Random } from '../../support/wire/random.js';

const CONVERSATIONS = 2_000;
/** How many of them are sent to a host that differs from another one only in its ids. */
const FEWER = 400;
/** How often a conversation moves to another host. */
const MOVES = 3;
/** How many failures are printed. */
const SHOWN = 5;

describe('A conversation of any form', () => {
  const wires = HOSTS.map((host) => new CapturedWire(host));
  let app: TestingModule;
  /** The answers of the providers, as messages. */
  let answers: Message[];

  const llmOf = ({ host }: CapturedWire) => app.get<LlmService>(getLlmToken(host.name));

  beforeAll(async () => {
    const [first] = wires;
    ({ module: app } = await startApp(
      {
        imports: wires.map(({ llm, host: { name } }) => CallbacksModule.forFeature({ name, llm })),
      },
      { llm: first!.llm },
    ));
    answers = await collectAnswers(new Random(1));
  });

  afterAll(closeApps);

  /** Messages of each provider, with the content that it must get back. */
  async function collectAnswers(random: Random): Promise<Message[]> {
    const collected: Message[] = [];
    for (const wire of wires)
      for (let i = 0; i < 40; i++) collected.push((await ask(wire, 'Hi', random)).message);
    return collected;
  }

  function ask(
    wire: CapturedWire,
    input: string | readonly Message[],
    random: Random,
  ): Promise<LlmResponse> {
    wire.body = undefined;
    wire.answer = () => randomAnswer(random, wire.host.api, wire.host.name);
    return llmOf(wire).generate(input);
  }

  /** Sends a conversation; returns the errors in the request, and the answer. */
  async function send(
    wire: CapturedWire,
    { messages, words, mayBeRefused }: History,
    random: Random,
  ): Promise<{ problems: string[]; answer?: Message }> {
    try {
      const { message } = await ask(wire, messages, random);
      const problems = [
        ...wire.violations,
        ...lostWords(wire.body, words),
        ...foreignThoughts(wire),
      ];
      return { problems, answer: message };
    } catch (error) {
      const isRefused = error instanceof LlmInvalidRequestError && wire.body === undefined;
      return { problems: isRefused && mayBeRefused ? [] : [String(error)] };
    }
  }

  it.each(wires.map((wire) => ({ wire, ...wire.host })))(
    'is sent in a form that $name accepts',
    async ({ wire, name }) => {
      const failures: string[] = [];
      const count = name === 'mistral' ? FEWER : CONVERSATIONS;
      for (let seed = 0; seed < count && failures.length < SHOWN; seed++) {
        const random = new Random(seed);
        const history = frozen(new RandomHistory(random, answers).make());
        const { problems } = await send(wire, history, random);
        if (problems.length > 0) failures.push(describeFailure(seed, problems));
      }
      expect(failures).toEqual([]);
    },
  );

  it('stays valid when it moves from provider to provider', async () => {
    const failures: string[] = [];
    for (let seed = 0; seed < CONVERSATIONS && failures.length < SHOWN; seed++) {
      const random = new Random(seed);
      let history = frozen(new RandomHistory(random, answers).make());
      for (const wire of shuffled(random, wires).slice(0, MOVES)) {
        const { problems, answer } = await send(wire, history, random);
        if (problems.length > 0)
          failures.push(`to ${wire.host.name}, ${describeFailure(seed, problems)}`);
        if (answer === undefined || problems.length > 0) break;
        history = frozen(goOn(history, answer));
      }
    }
    expect(failures).toEqual([]);
  });
});

/** The next turn: the answer, the results of its calls, and the next user message. */
function goOn({ messages, ...history }: History, answer: Message): History {
  const results = (answer.toolCalls ?? []).map(({ id }): Message => ({
    role: 'tool',
    toolCallId: id,
    content: 'done',
  }));
  const next: Message = { role: 'user', content: 'Go on.' };
  return { ...history, messages: [...messages, answer, ...results, next] };
}

/** Texts of the user and the model that are missing in the request. */
function lostWords(body: unknown, words: readonly string[]): string[] {
  const text = JSON.stringify(body);
  return words
    .filter((word) => !new RegExp(`${word}(?!\\d)`).test(text))
    .map((word) => `"${word}" is lost`);
}

/** Reasoning of other providers in a request. */
function foreignThoughts({ body, host }: CapturedWire): string[] {
  const text = JSON.stringify(body);
  return HOSTS.filter(({ name }) => name !== host.name && text.includes(thoughtOf(name))).map(
    ({ name }) => `holds a thought of ${name}`,
  );
}

/** A conversation belongs to the caller: writing to it throws. */
function frozen(history: History): History {
  freeze(history.messages);
  return history;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(freeze);
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((entry) => ({ entry, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ entry }) => entry);
}

function describeFailure(seed: number, problems: readonly string[]): string {
  return `seed ${seed}: ${problems.slice(0, 4).join('; ')}`;
}
