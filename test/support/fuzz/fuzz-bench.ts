import {
  CallbacksError,
  CallbacksService,
  CostTracker,
  type CallbackEvent,
  type LlmChunk,
  type LlmResponse,
  type LlmService,
  type Message,
} from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../../src/runs/active-run.js';
import { startApp } from '../app.js';
import { CapturedWire, HOSTS, type Api } from '../histories/captured-wire.js';
import type { Random } from '../wire/random.js';
import { answerProblems, chunkProblems } from './check-answer.js';
import { toResponse, type Kind, type Mutation } from './mutations.js';

const UNKNOWN_KIND = /^messages\[(\d+)\]\.content\[(\d+)\]\.type: must be one of /;
/** Anthropic's names for the kinds of blocks. */
const KIND = /^[a-z][a-z0-9_]*$/;

/** An application on one wire format, which receives mutated answers and checks the results. */
export class FuzzBench {
  readonly #wire: CapturedWire;
  readonly #costs = new CostTracker();
  readonly #events: CallbackEvent[] = [];
  #llm!: LlmService;
  #open!: OpenRuns;

  constructor(api: Api) {
    this.#wire = new CapturedWire(HOSTS.find((host) => host.api === api)!);
  }

  async start(): Promise<void> {
    const options = { llm: this.#wire.llm, callbacks: [this.#costs] };
    const { module, llm } = await startApp({}, options);
    this.#llm = llm;
    this.#open = module.get(OpenRuns, { strict: false });
    module.get(CallbacksService).on('*', (event) => void this.#events.push(event));
  }

  /** Plays a mutation; returns the answer, if there is one, and the violations. */
  async play(
    random: Random,
    mutation: Mutation,
    kind: Kind,
  ): Promise<{ response?: LlmResponse; problems: string[] }> {
    this.#wire.answer = () => toResponse(random, mutation);
    const chunks: LlmChunk[] = [];
    try {
      const response = await (kind === 'whole' ? this.#llm.generate('Hi') : this.#read(chunks));
      const problems = answerProblems(response);
      if (kind === 'streamed') problems.push(...chunkProblems(chunks, response));
      return { response, problems: [...problems, ...this.#runProblems('llm.end')] };
    } catch (error) {
      const isOurs = error instanceof CallbacksError;
      const problems = isOurs ? [] : [`threw ${String(error)}`];
      return { problems: [...problems, ...this.#runProblems('llm.error')] };
    }
  }

  /** Sends an answer back in a second turn; returns what the provider would reject. */
  async sendBack({ message, toolCalls }: LlmResponse): Promise<string[]> {
    this.#wire.body = undefined;
    this.#wire.answer = () => this.#wire.plain;
    const results = toolCalls.map(({ id }): Message => ({
      role: 'tool',
      toolCallId: id,
      content: 'done',
    }));
    try {
      const next: Message = { role: 'user', content: 'And now?' };
      await this.#llm.generate([{ role: 'user', content: 'Hi' }, message, ...results, next]);
      const violations = [...this.#violations(), ...this.#runProblems('llm.end')];
      return violations.map((what) => `sent back: ${what}`);
    } catch (error) {
      return [`sent back: ${String(error)}`];
    }
  }

  /** Unknown kinds of blocks are sent back unchanged; whether a server accepts its own is not known here. */
  #violations(): string[] {
    const { messages } = this.#wire.body as { messages?: { content: { type: unknown }[] }[] };
    return this.#wire.violations.filter((what) => {
      const [, turn, block] = UNKNOWN_KIND.exec(what) ?? [];
      if (turn === undefined) return true;
      const { type } = messages![Number(turn)]!.content[Number(block)]!;
      return !(typeof type === 'string' && KIND.test(type));
    });
  }

  async #read(chunks: LlmChunk[]): Promise<LlmResponse> {
    const stream = this.#llm.stream('Hi');
    for await (const chunk of stream) chunks.push(chunk);
    return stream.response;
  }

  /** Exactly one start first, one terminal event last, no open run, and totals that are valid numbers. */
  #runProblems(terminal: 'llm.end' | 'llm.error'): string[] {
    // An event after the end of a run is detected with the next run.
    const events = this.#events.splice(0);
    const types = events.map(({ type }) => type).filter((type) => type !== 'llm.chunk');
    const expected = ['llm.start', terminal];
    const isOrdered = types.join() === expected.join() && events.at(-1)?.type === terminal;
    const { totalCost, totalTokens } = this.#costs;
    return [
      ...(isOrdered ? [] : [`the events are ${types.join(', ')}`]),
      ...(this.#open.size === 0 ? [] : [`${this.#open.size} runs are open`]),
      ...(Number.isFinite(totalCost) ? [] : [`the total cost is ${totalCost}`]),
      ...(Number.isSafeInteger(totalTokens) ? [] : [`the total of tokens is ${totalTokens}`]),
    ];
  }
}
