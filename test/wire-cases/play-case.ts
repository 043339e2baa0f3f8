import {
  AgentService,
  defineTool,
  getAgentToken,
  getLlmToken,
  type Agent,
  type AgentResult,
  type CallbackEvent,
  type LlmChunk,
  type LlmResponse,
  type LlmService,
  type Message,
} from 'nestjs-llm-callbacks';
import { readAll } from '../support/wire/calls.js';
import type { Exchange } from '../support/wire/server.js';
import { DEFAULT, type BootedCase } from './boot-case.js';
import { alternativesOf, type CaseCall, type WireCase } from './read-case.js';

/** The outcome of a case. */
export interface Outcome {
  response?: LlmResponse;
  result?: AgentResult;
  error?: unknown;
  /** The chunks that the consumer of a stream received. */
  chunks: LlmChunk[];
  toolRuns: [string, unknown][];
  /** The requests to the default client's server, without the manual turn. */
  requests: Exchange[];
  /** The answer to the manual turn, or its error. */
  next?: { text?: string; error?: unknown; body?: Exchange['body'] | undefined };
  /** The events of the call, without those of the manual turn. */
  events: CallbackEvent[];
}

/** Returns a result for each tool call. */
const DONE = 'done';
const NEXT_INPUT = 'And now?';

/** Makes the call of a case, and the next turn if there is one. */
export async function playCase(given: WireCase, booted: BootedCase): Promise<Outcome> {
  const { call } = given;
  if (call === undefined) throw new Error(`The case ${given.name} has no call.`);
  const outcome: Outcome = { chunks: [], toolRuns: [], requests: [], events: [] };
  const player = call.method.startsWith('agent.')
    ? new AgentPlayer(booted, call, outcome)
    : new LlmPlayer(booted, call, outcome);
  try {
    await player.play();
  } catch (error) {
    outcome.error = error;
  }
  const { server } = booted.servers.get(DEFAULT)!;
  outcome.requests = [...server.exchanges];
  outcome.events = [...booted.events];
  if (hasNext(given)) await playNext(given, booted, player, outcome);
  return outcome;
}

/** Whether a next turn is made manually: the case requests it, or checks the second turn of a single call. */
function hasNext({ next, call, ...rest }: WireCase): boolean {
  if (next !== undefined) return true;
  const isSingle = call?.method === 'generate' || call?.method === 'stream';
  return isSingle && alternativesOf({ ...rest }).some(({ secondTurn }) => secondTurn !== undefined);
}

async function playNext(
  { next = {} }: WireCase,
  booted: BootedCase,
  player: Player,
  outcome: Outcome,
): Promise<void> {
  const { client = DEFAULT, input = NEXT_INPUT, from } = next;
  const { messages } = Object(outcome.error) as { messages?: Message[] };
  // Without a transcript there is no next turn, and the comparison reports it.
  if (from === 'error' ? messages === undefined : outcome.error !== undefined) return;
  const { server } = booted.servers.get(client)!;
  const before = server.exchanges.length;
  outcome.next = {};
  try {
    outcome.next.text = await player.playNext(client, input, messages);
  } catch (error) {
    outcome.next.error = error;
  }
  outcome.next.body = server.exchanges[before]?.body;
}

interface Player {
  play(): Promise<void>;
  /** Makes the next turn with a client; returns its text. */
  playNext(client: string, input: string, messages: Message[] | undefined): Promise<string>;
}

class LlmPlayer implements Player {
  constructor(
    private readonly booted: BootedCase,
    private readonly call: CaseCall,
    private readonly outcome: Outcome,
  ) {}

  async play(): Promise<void> {
    const { method, input, options } = this.call;
    const llm = this.#llm(DEFAULT);
    if (method === 'generate') {
      this.outcome.response = await llm.generate(input, options);
      return;
    }
    const stream = llm.stream(input, options);
    for await (const chunk of stream) this.outcome.chunks.push(chunk);
    this.outcome.response = await stream.response;
  }

  async playNext(client: string, input: string): Promise<string> {
    const { message, toolCalls } = this.outcome.response!;
    const messages: Message[] = [
      { role: 'user', content: this.call.input },
      message,
      ...toolCalls.map(({ id }): Message => ({ role: 'tool', toolCallId: id, content: DONE })),
      { role: 'user', content: input },
    ];
    return (await this.#llm(client).generate(messages)).text;
  }

  #llm(client: string): LlmService {
    return this.booted.app.get<LlmService>(getLlmToken(client));
  }
}

class AgentPlayer implements Player {
  constructor(
    private readonly booted: BootedCase,
    private readonly call: CaseCall,
    private readonly outcome: Outcome,
  ) {}

  async play(): Promise<void> {
    const { method, input, options } = this.call;
    const agent = this.#agent(DEFAULT);
    if (method === 'agent.run') {
      this.outcome.result = await agent.run(input, options);
      return;
    }
    const stream = agent.stream(input, options);
    await readAll(stream);
    this.outcome.result = await stream.result;
  }

  async playNext(client: string, input: string, messages?: Message[]): Promise<string> {
    const transcript = messages ?? this.outcome.result!.messages;
    return (await this.#agent(client).run(input, { messages: transcript })).output;
  }

  #agent(client: string): Agent {
    const { tools = [], agentOptions } = this.call;
    return this.booted.app.get<AgentService>(getAgentToken(client)).create({
      ...agentOptions,
      tools: tools.map(({ name, parameters, result }) =>
        defineTool({
          name,
          description: `Does ${name}.`,
          ...(parameters && { parameters }),
          execute: (args) => {
            this.outcome.toolRuns.push([name, args]);
            return result;
          },
        }),
      ),
    });
  }
}
