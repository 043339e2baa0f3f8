import { once } from 'node:events';
import { anthropic } from '../support/wire/anthropic.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { events, json } from '../support/wire/serve.js';
import { WireServer, type Exchange, type Serve } from '../support/wire/server.js';
import type { Said, WireFormat } from '../support/wire/wire-format.js';
import { fieldsOf } from '../support/wire-rules/report.js';
import { piecesOf, type Division } from './pieces.js';
import type { Api, CaseResponse, CaseServer } from './read-case.js';
import { readPath } from './paths.js';

/** The formats in which a server answers requests that the case does not define. */
const FORMATS: Readonly<Record<Api, WireFormat>> = { chat: openai, responses, anthropic };

/** More requests than any case makes. */
const MOST_REQUESTS = 64;

/** Starts a server on loopback that answers as defined in a case, with its bytes split in one way. */
export async function serveCase(given: CaseServer, division: Division): Promise<WireServer> {
  const server = await WireServer.listen();
  for (let number = 0; number < MOST_REQUESTS; number++) {
    const response = given.responses?.[number];
    const answer = response ? recorded(response, division) : plain(given);
    server.answers(guarded(answer, given.client.ids));
  }
  return server;
}

function recorded({ status, headers, body }: CaseResponse, division: Division): Serve {
  return async ({ response }) => {
    response.writeHead(status, { ...headers });
    response.socket?.setNoDelay(true);
    for (const piece of piecesOf(body, division, body)) {
      if (!response.write(piece)) await once(response, 'drain');
      // The client reads in between.
      await new Promise(setImmediate);
    }
    response.end();
  };
}

/** Answers with the value of `answerBySchema`, or with a plain text, in the requested form. */
function plain({ api, answerBySchema }: CaseServer): Serve {
  const format = FORMATS[api];
  return (exchange) => {
    const text =
      answerBySchema === undefined ? 'Plain.' : toSchemaText(answerBySchema, exchange.body);
    const said: Said = { text };
    const isStreamed = exchange.body['stream'] === true;
    return (isStreamed ? events(...format.stream(said)) : json(format.answer(said)))(exchange);
  };
}

const SCHEMA_PLACES = [
  'response_format.json_schema.schema',
  'text.format.schema',
  'output_config.format.schema',
];

/** The value, wrapped if the schema of the request wraps it in an object. */
function toSchemaText(value: unknown, body: Exchange['body']): string {
  const schema = SCHEMA_PLACES.map((place) => readPath(body, place)).find(Boolean);
  const { type, properties } = fieldsOf(schema);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const [name] = Object.keys(fieldsOf(properties));
  const isWrapped = type === 'object' && !isObject && name !== undefined;
  return JSON.stringify(isWrapped ? { [name]: value } : value);
}

/** Rejects requests with ids of calls that this server does not accept. */
function guarded(serve: Serve, ids: string | undefined): Serve {
  if (ids === undefined) return serve;
  const pattern = new RegExp(ids);
  return (exchange) => {
    const isOdd = (id: unknown) => typeof id !== 'string' || !pattern.test(id);
    const odd = callIdsOf(exchange.body).find(isOdd);
    if (odd === undefined) return serve(exchange);
    const error = { message: `Invalid id of a tool call: ${JSON.stringify(odd)}`, code: null };
    return json({ error }, 400)(exchange);
  };
}

/** The ids of calls and results anywhere in a body. */
function callIdsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(callIdsOf);
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Record<string, unknown>;
  const isCall = fields['type'] === 'tool_use' || fields['function'] !== undefined;
  const own = [
    ...(isCall && fields['id'] !== undefined ? [fields['id']] : []),
    ...['tool_call_id', 'tool_use_id', 'call_id'].flatMap((key) =>
      fields[key] === undefined ? [] : [fields[key]],
    ),
  ];
  return [...own, ...Object.values(fields).flatMap(callIdsOf)];
}
