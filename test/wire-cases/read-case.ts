import { readdirSync, readFileSync } from 'node:fs';
import type { AgentOptions, AgentRunOptions, LlmStreamOptions, Prices } from 'nestjs-llm-callbacks';

/** The API that a server speaks. */
export type Api = 'chat' | 'responses' | 'anthropic';

/** One recorded answer of a server, byte for byte. */
export interface CaseResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A client and the server behind it. */
export interface CaseServer {
  readonly api: Api;
  readonly client: {
    readonly label?: string;
    readonly model?: string;
    readonly baseURL?: string;
    readonly ids?: string;
  };
  readonly responses?: readonly CaseResponse[];
  readonly answerBySchema?: unknown;
}

export interface CaseTool {
  readonly name: string;
  readonly parameters?: Record<string, unknown>;
  readonly result: unknown;
}

export interface CaseCall {
  readonly method: 'generate' | 'stream' | 'agent.run' | 'agent.stream';
  readonly input: string;
  readonly options?: LlmStreamOptions & AgentRunOptions;
  readonly agentOptions?: AgentOptions;
  readonly tools?: readonly CaseTool[];
}

/** Values and conditions by path. */
export type Paths = Readonly<Record<string, unknown>>;

/** The expected outcome of a case; only the given fields are compared. */
export interface Expected {
  readonly text?: unknown;
  readonly reasoning?: unknown;
  readonly object?: unknown;
  readonly toolCalls?: readonly Paths[];
  readonly toolRuns?: unknown;
  readonly finishReason?: unknown;
  readonly usage?: Paths;
  readonly costUsd?: unknown;
  readonly requests?: number;
  readonly error?: Paths;
  readonly events?: Readonly<Record<string, Paths | null>>;
  readonly firstTurn?: Paths;
  readonly secondTurn?: Paths;
  readonly sent?: Readonly<Record<string, Paths>>;
  readonly sentTo?: Readonly<Record<string, Paths>>;
  readonly next?: { readonly text?: unknown };
}

/** A case as its file contains it; README.md describes the format. */
export interface WireCase extends CaseServer {
  readonly name: string;
  readonly kind: string;
  readonly why: string;
  readonly prices?: Prices;
  readonly use?: readonly { readonly name: string; readonly options?: object }[];
  readonly clients?: Readonly<Record<string, CaseServer>>;
  readonly call?: CaseCall;
  readonly next?: { readonly input?: string; readonly client?: string; readonly from?: 'error' };
  readonly program?: string;
  readonly expect?: Expected;
  readonly expectOneOf?: readonly Expected[];
}

/** All cases of a folder next to this file, in the order of their names. */
export function readCases(folder: 'cases' | 'siblings'): WireCase[] {
  const directory = new URL(`./${folder}/`, import.meta.url);
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => ({
      ...(JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Omit<WireCase, 'name'>),
      name: file.replace(/\.json$/, ''),
    }));
}

/** All cases that are played by the same program. */
export function readPrograms(program: string): WireCase[] {
  return [...readCases('cases'), ...readCases('siblings')].filter(
    (known) => known.program === program,
  );
}

/** The alternatives, one of which must match. */
export function alternativesOf({ expect, expectOneOf }: WireCase): readonly Expected[] {
  return expectOneOf ?? [expect ?? {}];
}

/** Whether a case is about an event stream, so that the split of its bytes matters. */
export function isStreamed({ call, responses = [] }: WireCase): boolean {
  const asksForStream = call?.method === 'stream' || call?.method === 'agent.stream';
  const isEvents = ({ headers }: CaseResponse) =>
    Object.values(headers).some((value) => value.startsWith('text/event-stream'));
  return asksForStream || responses.some(isEvents);
}
