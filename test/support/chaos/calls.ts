import type { INestApplicationContext } from '@nestjs/common';
import { firstValueFrom, take, toArray, type Observable } from 'rxjs';
import {
  AgentService,
  CallbacksService,
  getLlmToken,
  LlmService,
  type AgentStream,
  type LlmStream,
} from 'nestjs-llm-callbacks';
import type { Random } from '../wire/random.js';
import { CALL_MS, Desk, FORGOTTEN_MS, Leftovers } from './parts.js';
import { turns } from './wire.js';

const AT_ONCE = 20;
const MAX_READ = 12;
/** Waits for a rate limiter, at most for the timeout of its calls. */
export const HELD_UP = 'user-4';
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, required: [] };

/** The inputs of one call. */
interface Caller {
  readonly app: INestApplicationContext;
  readonly random: Random;
  readonly prompt: string;
  readonly options: { readonly userId: string; readonly timeoutMs: number; signal?: AbortSignal };
}

type Way = (caller: Caller) => Promise<unknown>;

function llmOf({ app, random }: Caller): LlmService {
  return app.get<LlmService>(getLlmToken(random.pick([undefined, undefined, 'backup', 'thinker'])));
}

/** Fires at a random moment, early or late, and often after the call has ended. */
function someSignal({ random }: Caller): AbortSignal {
  const controller = new AbortController();
  void turns(random.int(0, 8)).then(() => controller.abort(new Error('The client has left.')));
  return controller.signal;
}

async function readSome<T>(stream: AsyncIterable<T>, count: number): Promise<void> {
  let read = 0;
  for await (const _ of stream) if (++read >= count) break;
}

/** Reads one item and abandons the stream without closing it. */
async function forget<T>(stream: AsyncIterable<T>): Promise<void> {
  await stream[Symbol.asyncIterator]().next();
}

function observed<T>(observable: Observable<T>, count: number): Promise<unknown> {
  return firstValueFrom(observable.pipe(take(count), toArray()));
}

async function abortLater(caller: Caller, stream: LlmStream | AgentStream): Promise<void> {
  void turns(caller.random.int(0, 6)).then(() => stream.abort('enough'));
  await readSome<unknown>(stream, Infinity);
}

async function dispose(stream: AsyncDisposable): Promise<void> {
  await stream[Symbol.asyncDispose]();
}

const llmStream = (caller: Caller, more: object = {}): LlmStream =>
  llmOf(caller).stream(caller.prompt, { ...caller.options, ...more });
const agentStream = ({ app, prompt, options }: Caller, more: object = {}): AgentStream =>
  app.get(AgentService).stream(prompt, { ...options, ...more });
const someCount = ({ random }: Caller): number => random.int(1, MAX_READ);

/** What applications do with a model; each name is a kind of call. */
export const WAYS: Record<string, Way> = {
  generate: (caller) => llmOf(caller).generate(caller.prompt, caller.options),
  'generate, aborted': (caller) =>
    llmOf(caller).generate(caller.prompt, { ...caller.options, signal: someSignal(caller) }),
  'generate with a schema': (caller) =>
    llmOf(caller).generate(caller.prompt, { ...caller.options, schema: SCHEMA }),
  'stream, read': (caller) => readSome(llmStream(caller), Infinity),
  'stream, left': (caller) => readSome(llmStream(caller), someCount(caller)),
  'stream, its response': (caller) => llmStream(caller).response,
  'stream, its signal': (caller) =>
    readSome(llmStream(caller, { signal: someSignal(caller) }), Infinity),
  'stream, aborted': (caller) => abortLater(caller, llmStream(caller)),
  'stream, disposed unread': (caller) => dispose(llmStream(caller)),
  'stream, forgotten': (caller) => forget(llmStream(caller, { timeoutMs: FORGOTTEN_MS })),
  'stream, observed': (caller) => observed(llmStream(caller).toObservable(), someCount(caller)),
  'stream, partial objects': (caller) =>
    readSome(llmStream(caller, { schema: SCHEMA }).partialObjects, Infinity),
  chain: ({ app, prompt }) => app.get(Desk).answer(prompt),
  'chain, a stream': (caller) =>
    readSome(caller.app.get(Desk).ask(caller.prompt), someCount(caller)),
  'chain, a generator': (caller) =>
    readSome(caller.app.get(Desk).talk(caller.prompt), someCount(caller)),
  retrieval: ({ app, prompt }) => app.get(Desk).search(prompt),
  'retrieval, a generator': (caller) =>
    readSome(caller.app.get(Desk).pages(caller.prompt), someCount(caller)),
  'tool by hand': (caller) =>
    caller.app
      .get(CallbacksService)
      .tool('by_hand', {}, (_args, { signal }) =>
        llmOf(caller).generate(caller.prompt, { ...caller.options, signal }),
      ),
  'agent.run': ({ app, prompt, options }) => app.get(AgentService).run(prompt, options),
  'agent.run, aborted': (caller) =>
    caller.app
      .get(AgentService)
      .run(caller.prompt, { ...caller.options, signal: someSignal(caller) }),
  'agent.stream, read': (caller) => readSome(agentStream(caller), Infinity),
  'agent.stream, left': (caller) => readSome(agentStream(caller), someCount(caller)),
  'agent.stream, observed': (caller) => observed(agentStream(caller).toObservable(), Infinity),
  'agent.stream, unsubscribed': (caller) =>
    observed(agentStream(caller).toObservable(), someCount(caller)),
  'agent.stream, its result': (caller) => agentStream(caller).result,
  'agent.stream, its signal': (caller) =>
    readSome(agentStream(caller, { signal: someSignal(caller) }), Infinity),
  'agent.stream, aborted': (caller) => abortLater(caller, agentStream(caller)),
  'agent.stream, disposed unread': (caller) => dispose(agentStream(caller)),
  'agent.stream, forgotten': (caller) => forget(agentStream(caller, { timeoutMs: FORGOTTEN_MS })),
};

/** The number of calls of each kind, and how many of them failed. */
export type Tally = Map<string, { made: number; failed: number }>;

/** Makes the given number of calls with bounded concurrency, and waits for them and for the work that they left. */
export async function makeCalls(
  app: INestApplicationContext,
  newRandom: (number: number) => Random,
  count: number,
): Promise<Tally> {
  const tally: Tally = new Map(Object.keys(WAYS).map((name) => [name, { made: 0, failed: 0 }]));
  let number = 0;
  const worker = async (): Promise<void> => {
    while (number < count) {
      const random = newRandom(++number);
      const name = random.pick(Object.keys(WAYS));
      const userId = `user-${random.int(0, 9)}`;
      const options = { userId, timeoutMs: userId === HELD_UP ? FORGOTTEN_MS : CALL_MS };
      const caller = { app, random, prompt: `${name} #${number}`, options };
      const entry = tally.get(name)!;
      entry.made++;
      try {
        await WAYS[name]!(caller);
      } catch {
        entry.failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await app.get(Leftovers).over();
  return tally;
}
