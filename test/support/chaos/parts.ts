import { Injectable, Scope } from '@nestjs/common';
import {
  AgentService,
  Chain,
  LlmService,
  OnAgentEnd,
  OnAgentStart,
  OnAgentStep,
  OnAnyEvent,
  OnCallbackError,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  OnLlmStreamChunk,
  OnToolEnd,
  OnToolStart,
  Retrieval,
  Tool,
  type LlmEndEvent,
  type LlmErrorEvent,
  type LlmStream,
  type ToolContext,
} from 'nestjs-llm-callbacks';
import { turn, turns } from './wire.js';

/** Every call ends by this timeout, however its provider stalls. */
export const CALL_MS = 500;
/** The run of an abandoned stream ends by this timeout. */
export const FORGOTTEN_MS = 60;
const HANDLER_MS = 5;
const PARAMETERS = { type: 'object', properties: { id: { type: 'string' } } };

/** Returns `true` once in the given number of times. */
function every(count: number): () => boolean {
  let asked = 0;
  return () => ++asked % count === 0;
}

/** Work that runs unawaited; the test awaits it at its end. */
@Injectable()
export class Leftovers {
  readonly #all: Promise<unknown>[] = [];
  #number = 1_000_000;

  /** A unique prompt. */
  prompt(): string {
    return `left over #${this.#number++}`;
  }

  add(work: Promise<unknown>): void {
    this.#all.push(work.catch(() => undefined));
  }

  /** Waits for all work, including work added meanwhile. */
  async over(): Promise<void> {
    while (this.#all.length > 0) await Promise.all(this.#all.splice(0));
  }
}

/** An application's own traced work, in all forms. */
@Injectable()
export class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
  ) {}

  @Chain()
  async answer(prompt: string): Promise<string> {
    await this.search(prompt);
    return (await this.llm.generate(prompt, { timeoutMs: CALL_MS })).text;
  }

  @Chain()
  ask(prompt: string): LlmStream {
    return this.llm.stream(prompt, { timeoutMs: CALL_MS });
  }

  @Chain()
  async *talk(prompt: string): AsyncGenerator<string> {
    for await (const text of this.llm.stream(prompt, { timeoutMs: CALL_MS }).textStream) yield text;
    yield (await this.agent.run(prompt, { timeoutMs: CALL_MS })).output;
  }

  @Retrieval('facts')
  async search(prompt: string): Promise<string[]> {
    await turn();
    if (prompt.length % 7 === 0) throw new Error('The index is away.');
    return [prompt];
  }

  @Retrieval('pages')
  async *pages(prompt: string): AsyncGenerator<string> {
    for (let i = 0; i < 4; i++) {
      await turn();
      yield `${prompt} ${i}`;
    }
  }
}

/** The tools of the default agent. */
@Injectable()
export class Tools {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
    private readonly leftovers: Leftovers,
  ) {}

  @Tool({ description: 'Looks.', parameters: PARAMETERS }) look({ id }: { id: string }) {
    return { id };
  }
  @Tool({ description: 'Takes a while.', parameters: PARAMETERS })
  async slow(_args: object, { signal }: ToolContext) {
    for (let i = 0; i < 5; i++) {
      signal.throwIfAborted();
      await turn();
    }
    return 'slow';
  }
  @Tool({ description: 'Fails.', parameters: PARAMETERS }) fail() {
    throw new Error('The tool is broken.');
  }
  /** Starts a call that is not awaited. */
  @Tool({ description: 'Leaves a call.', parameters: PARAMETERS }) leave() {
    this.leftovers.add(this.llm.generate(this.leftovers.prompt(), { timeoutMs: CALL_MS }));
    return 'left';
  }
  /** Starts streams that are read, or run, after the end of the agent. */
  @Tool({ description: 'Leaves streams.', parameters: PARAMETERS }) leaveStream() {
    const stream = this.llm.stream(this.leftovers.prompt(), { timeoutMs: CALL_MS });
    this.leftovers.add(turns(4).then(() => stream.response));
    // Its tools start no such streams, so that the load ends.
    const agent = this.agent.create({});
    this.leftovers.add(agent.stream(this.leftovers.prompt(), { timeoutMs: CALL_MS }).result);
    return 'left';
  }
  @Tool({ description: 'Talks.', parameters: PARAMETERS }) talk() {
    return this.llm.stream(this.leftovers.prompt(), { timeoutMs: CALL_MS }).textStream;
  }
  /** Ignores its signal. */
  @Tool({ description: 'Is deaf.', parameters: PARAMETERS, timeoutMs: HANDLER_MS }) async deaf() {
    await turns(8);
    return 'deaf';
  }
}

/** Handlers of every kind. */
@Injectable()
export class Handlers {
  readonly #refuses = every(61);
  readonly #fails = every(53);
  readonly #failsAtEnd = every(67);
  readonly #hangs = every(50);
  readonly #failsStep = every(3);
  readonly #failsLater = every(4);
  readonly #calls = every(25);
  readonly #callsAtError = every(25);

  constructor(
    private readonly llm: LlmService,
    private readonly leftovers: Leftovers,
  ) {}

  @OnAnyEvent() sync() {}
  @OnLlmStart() async later() {
    await turn();
  }
  @OnLlmStart({ critical: true }) refuse() {
    if (this.#refuses()) throw new Error('Not this one.');
  }
  @OnLlmEnd({ critical: true }) async refuseEnd() {
    await turn();
    if (this.#failsAtEnd()) throw new Error('Not this answer.');
  }
  @OnToolStart({ critical: true }) refuseTool() {
    if (this.#fails()) throw new Error('Not this tool.');
  }
  @OnLlmStreamChunk() async chunk({ index }: { index: number }) {
    if (index % 3 === 0) await turn();
    if (index % 5 === 4) throw new Error('The chunk was not kept.');
  }
  @OnAgentStep() async step() {
    await turns(2);
    if (this.#failsStep()) throw new Error('The step was not kept.');
  }
  @OnAgentStart({ background: true }) async begun() {
    await turns(2);
  }
  @OnToolEnd({ timeoutMs: HANDLER_MS }) async hang() {
    if (this.#hangs()) await new Promise(() => undefined);
  }
  @OnLlmEnd({ background: true }) async failsInBackground() {
    await turns(2);
    if (this.#failsLater()) throw new Error('The report was not written.');
  }
  @OnAgentEnd({ background: true, timeoutMs: HANDLER_MS }) async slowInBackground() {
    await turns(6);
  }
  @OnLlmEnd({ when: isNoHandlers }) async callsAtEnd() {
    if (this.#calls()) await this.#call();
  }
  @OnLlmError({ background: true, when: isNoHandlers }) async callsInBackground() {
    if (this.#callsAtError()) await this.#call();
  }
  @OnCallbackError({ background: true }) async reported() {
    await turn();
  }

  async #call(): Promise<void> {
    await this.llm.generate(this.leftovers.prompt(), { timeoutMs: CALL_MS });
  }
}

/** Calls made by handlers must not cause further calls. */
function isNoHandlers({ fromCallback }: LlmEndEvent | LlmErrorEvent): boolean {
  return fromCallback === undefined;
}

/** A separate instance for each run tree. */
@Injectable({ scope: Scope.REQUEST })
export class ScopedHandlers {
  #count = 0;

  @OnAnyEvent() async count() {
    this.#count++;
    if (this.#count % 2 === 0) await turn();
  }
  @OnLlmEnd({ background: true }) async later() {
    await turn();
  }
}
