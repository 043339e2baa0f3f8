// A process of its own: answers as the providers do, as fast as it can, on a loopback port that the system chooses.
// The path says how long the answer is: /2000-chunks/64-per-packet/v1/chat/completions. Where the request offers tools,
// a streamed answer is one tool call, and one that is not streamed is a turn of an agent.
import { createServer } from 'node:http';
import { agentTurn } from './agent-turn.mjs';
import { anthropicAnswer, anthropicEvents, anthropicToolEvents } from './anthropic-wire.mjs';
import { openAiAnswer, openAiEvents, openAiToolEvents } from './openai-wire.mjs';

const PATH = /^\/(\d{1,6})-chunks\/(\d{1,4})-per-packet\/v1\/(chat\/completions|messages)$/;
const WIRES = {
  'chat/completions': {
    events: openAiEvents,
    toolEvents: openAiToolEvents,
    answer: openAiAnswer,
    turn: agentTurn,
  },
  messages: { events: anthropicEvents, toolEvents: anthropicToolEvents, answer: anthropicAnswer },
};
const MAX_BODY_BYTES = 1_000_000;

/** Answers are made once and kept. */
const made = new Map();

const server = createServer((request, response) => {
  readBody(request)
    .then((body) => answer(request.url, body, response))
    .catch((error) => refuse(response, error));
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
// The parent is gone.
process.on('disconnect', () => process.exit());

async function readBody(request) {
  let text = '';
  request.setEncoding('utf8');
  for await (const part of request) {
    text += part;
    if (text.length > MAX_BODY_BYTES) throw new Error('The request is too long.');
  }
  return JSON.parse(text);
}

function answer(url, body, response) {
  const [, chunks, perPacket, endpoint] = PATH.exec(url) ?? [];
  if (endpoint === undefined) throw new Error(`There is nothing at ${url}.`);
  const wire = WIRES[endpoint];
  if (!body.stream) return sendWhole(response, wire, Number(chunks), body);
  if (endpoint === 'chat/completions' && !body.stream_options?.include_usage) {
    throw new Error('Every contender has to ask for the usage.');
  }
  const events = hasTools(body) ? wire.toolEvents : wire.events;
  const packets = remember(`${url} ${events.name}`, () =>
    toPackets(events(Number(chunks)), Number(perPacket)),
  );
  return sendPackets(response, packets);
}

function hasTools({ tools }) {
  return tools?.length > 0;
}

function sendWhole(response, wire, chunks, body) {
  const [key, make] = hasTools(body)
    ? wire.turn(body, chunks)
    : [`${wire.answer.name} ${chunks}`, () => wire.answer(chunks)];
  const whole = remember(key, () => Buffer.from(make()));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
  response.end(whole);
}

/** Each packet is one chunk of the HTTP body; all are written back to back. */
function sendPackets(response, packets) {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  response.cork();
  for (const packet of packets) response.write(packet);
  // In this order: Node 24 loses what is still corked when the end is written.
  response.uncork();
  response.end();
}

function toPackets(events, perPacket) {
  const packets = [];
  for (let i = 0; i < events.length; i += perPacket) {
    packets.push(Buffer.from(events.slice(i, i + perPacket).join('')));
  }
  return packets;
}

function remember(key, make) {
  let value = made.get(key);
  if (value === undefined) made.set(key, (value = make()));
  return value;
}

function refuse(response, error) {
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ error: { type: 'invalid_request_error', message: error.message } }),
  );
}
