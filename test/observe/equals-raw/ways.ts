import type { Resource, SdkPromise } from './kinds.js';
import type { Plan } from './plan.js';
import { shapeOfResponse, shapeOfResult } from './shapes.js';

/** A call while it is made: what its reader may do to it, and what it got so far. */
export interface Turn {
  readonly plan: Plan;
  readonly got: unknown[];
  readonly abort: () => void;
  /** Lets the server destroy the connection; settles when it is done. */
  readonly cut: () => Promise<void>;
}

/** The stream of an SDK. */
interface SdkStream extends AsyncIterable<unknown> {
  readonly controller: AbortController;
  tee(): [SdkStream, SdkStream];
  toReadableStream(): ReadableStream<Uint8Array>;
}

type Whole = (call: SdkPromise, turn: Turn) => Promise<void>;

const WHOLE = {
  create: async (call, { got }) => void got.push(shapeOfResult(await call)),
  async twice(call, { got }) {
    const first = await call;
    got.push(shapeOfResult(first), (await call) === first);
    got.push(shapeOfResponse((await call.withResponse()).response));
  },
  async withResponse(call, { got }) {
    const { data, response } = await call.withResponse();
    got.push(shapeOfResult(data), shapeOfResponse(response));
  },
  text: reads((response) => response.text()),
  json: reads((response) => response.json()),
  arrayBuffer: reads(async (response) => new Uint8Array(await response.arrayBuffer())),
  blob: reads(async (response) => (await response.blob()).type),
  body: reads(async ({ body }) => (body === null ? null : textOf(body))),
  clone: async (call, { got }) => {
    const response = await call.asResponse();
    const copy = response.clone();
    got.push(shapeOfResponse(copy), shapeOfResponse(copy.clone()));
    got.push(await copy.text(), response.bodyUsed);
    got.push(await response.text(), response.bodyUsed);
  },
} satisfies Record<string, Whole>;

function reads(read: (response: Response) => Promise<unknown>): Whole {
  return async (call, { got }) => {
    const response = await call.asResponse();
    got.push(shapeOfResponse(response), response.bodyUsed);
    got.push(await read(response), response.bodyUsed);
  };
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const STREAMED = {
  events: async (call, turn) => readEvents((await call) as SdkStream, turn),
  async withResponse(call, turn) {
    const { data, response } = await call.withResponse();
    turn.got.push(shapeOfResponse(response));
    await readEvents(data as SdkStream, turn, 1);
  },
  async tee(call, { got }) {
    const [left, right] = ((await call) as SdkStream).tee();
    const other = left[Symbol.asyncIterator]();
    got.push(await other.next());
    for await (const event of right) got.push(event);
    for (let next = await other.next(); !next.done; next = await other.next()) got.push(next.value);
  },
  async lines(call, { got }) {
    const stream = (await call) as SdkStream;
    const decoder = new TextDecoder();
    for await (const piece of stream.toReadableStream()) got.push(decoder.decode(piece));
  },
  bytes: (call, turn) => (turn.plan.bytes > 0 ? readBytes(call, turn) : WHOLE.body(call, turn)),
  text: WHOLE.text,
  body: WHOLE.body,
  clone: WHOLE.clone,
} satisfies Record<string, Whole>;

/** Reads the events of a stream one by one. */
async function readEvents(stream: SdkStream, turn: Turn, before = 0): Promise<void> {
  const { got, plan } = turn;
  const reader = stream[Symbol.asyncIterator]();
  const after = plan.act === 'none' ? Infinity : plan.after + before;
  for (;;) {
    let reading: Promise<IteratorResult<unknown>> | undefined;
    if (got.length === after) {
      if (plan.act === 'break') {
        got.push(await reader.return?.(), stream.controller.signal.aborted);
        return;
      }
      if (plan.act.endsWith('while reading')) {
        reading = reader.next();
        // It may fail before it is awaited.
        reading.catch(() => undefined);
        await new Promise(setImmediate);
      }
      await act(stream, turn);
      await pause(plan);
    }
    const { done, value } = await (reading ?? reader.next());
    if (done) break;
    got.push(value);
  }
  got.push(await reader.next());
}

/** Reads the bytes of a stream, as what has no SDK does. */
async function readBytes(call: SdkPromise, turn: Turn): Promise<void> {
  const { plan, got } = turn;
  const body = (await call.asResponse()).body as ReadableStream<Uint8Array>;
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  const text = () => Buffer.concat(pieces).toString();
  for (let left = plan.bytes; left > 0; left -= pieces.at(-1)!.length) {
    const { value = new Uint8Array() } = await reader.read();
    pieces.push(value);
  }
  got.push(text());
  const reading = plan.act.endsWith('while reading') ? reader.read() : undefined;
  reading?.catch(() => undefined);
  if (plan.act.startsWith('abort')) turn.abort();
  else if (plan.act.startsWith('cut')) await turn.cut();
  else await reader.cancel('No more.');
  await pause(plan);
  got.push(await (reading ?? reader.read()));
}

/** The failure of the run reaches the body before its reader does. */
async function pause({ isSlow }: Plan): Promise<void> {
  const turns = isSlow ? 10 : 0;
  for (let i = 0; i < turns; i++) await new Promise(setImmediate);
}

async function act({ controller }: SdkStream, { plan, abort, cut }: Turn): Promise<void> {
  if (plan.act.startsWith('abort')) abort();
  else if (plan.act.startsWith('controller')) controller.abort();
  else await cut();
}

export type WholeWay = keyof typeof WHOLE | 'parse';
export type StreamedWay = keyof typeof STREAMED | 'helper';
export const WHOLE_WAYS = [...Object.keys(WHOLE), 'create', 'parse'] as WholeWay[];
export const STREAMED_WAYS = [...Object.keys(STREAMED), 'events', 'helper'] as StreamedWay[];

/** The helper of a stream: an emitter of events. */
interface Helper extends AsyncIterable<unknown> {
  finalMessage?(): Promise<unknown>;
  finalChatCompletion?(): Promise<unknown>;
  finalResponse?(): Promise<unknown>;
}

async function readHelper(helper: Helper, { got }: Turn): Promise<void> {
  for await (const event of helper) got.push(event);
  const final =
    helper.finalChatCompletion?.() ?? helper.finalResponse?.() ?? helper.finalMessage?.();
  got.push(shapeOfResult(await final));
}

/** Makes a call, and reads its answer. */
export async function makeCall(resource: Resource, turn: Turn, options: object): Promise<void> {
  const { way, body, act: made } = turn.plan;
  if (way === 'parse' && resource.parse !== undefined) {
    turn.got.push(shapeOfResult(await resource.parse(body, options)));
  } else if (way === 'helper' && resource.stream !== undefined && made !== 'timeout') {
    await readHelper(resource.stream(body, options) as Helper, turn);
  } else {
    const call = resource.create(body, options);
    const isStreamed = body['stream'] === true;
    const ways: Partial<Record<string, Whole>> = isStreamed ? STREAMED : WHOLE;
    await (ways[way] ?? (isStreamed ? STREAMED.events : WHOLE.create))(call, turn);
  }
}
