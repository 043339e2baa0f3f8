// A process of its own: answers as the providers do, as fast as it can, on a loopback port that the system chooses.
// The path says what to answer: /2000-chunks/64-per-packet/v1/chat/completions
import { createServer } from 'node:http';
import { anthropicAnswer, anthropicEvents } from './anthropic-wire.mjs';
import { openAiAnswer, openAiEvents } from './openai-wire.mjs';

const PATH = /^\/(\d{1,6})-chunks\/(\d{1,4})-per-packet\/v1\/(chat\/completions|messages)$/;
const WIRES = {
  'chat/completions': { events: openAiEvents, answer: openAiAnswer },
  messages: { events: anthropicEvents, answer: anthropicAnswer },
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
  if (!body.stream) return sendWhole(response, WIRES[endpoint], Number(chunks));
  if (endpoint === 'chat/completions' && !body.stream_options?.include_usage) {
    throw new Error('Every contender has to ask for the usage.');
  }
  return sendPackets(response, WIRES[endpoint], Number(chunks), Number(perPacket), url);
}

function sendWhole(response, wire, chunks) {
  const body = remember(`${wire.answer.name} ${chunks}`, () => Buffer.from(wire.answer(chunks)));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

/** Each packet is one chunk of the HTTP body; all are written back to back. */
function sendPackets(response, wire, chunks, perPacket, url) {
  const packets = remember(url, () => toPackets(wire.events(chunks), perPacket));
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
