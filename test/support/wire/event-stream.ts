import { crc32 } from 'node:zlib';
import type { Serve } from './server.js';

export const AWS_EVENT_STREAM = 'application/vnd.amazon.eventstream';
const STRING = 7;

/** A message in the framing of AWS: lengths and checksums around headers and a payload. */
function message(headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => {
      const sizes = Buffer.from([STRING, value.length >> 8, value.length & 0xff]);
      return [Buffer.from([name.length]), Buffer.from(name), sizes, Buffer.from(value)];
    }),
  );
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(head.length + body.length + 16, 0);
  prelude.writeUInt32BE(head.length, 4);
  const opened = Buffer.concat([prelude, checksum(prelude), head, body]);
  return Buffer.concat([opened, checksum(opened)]);
}

function checksum(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}

/** An event of a stream of messages, as Bedrock sends it. */
export function chunkOf(json: string): Buffer {
  const headers = { ':event-type': 'chunk', ':content-type': 'application/json' };
  const payload = { bytes: Buffer.from(json).toString('base64') };
  return message({ ...headers, ':message-type': 'event' }, payload);
}

/** An exception inside of a stream of Bedrock. */
export function exceptionOf(type: string, text: string): Buffer {
  const headers = { ':exception-type': type, ':content-type': 'application/json' };
  return message({ ...headers, ':message-type': 'exception' }, { message: text });
}

/** The same answer as Bedrock gives it: an event stream has the framing of AWS, all else is as it is. */
export function framed(serve: Serve): Serve {
  return (exchange) => {
    const { response } = exchange;
    const writeHead = response.writeHead.bind(response) as (
      status: number,
      headers?: object,
    ) => typeof response;
    const write = response.write.bind(response);
    const end = response.end.bind(response) as (last?: unknown) => typeof response;
    let isStream = false;
    const frame = (sent: unknown) => (isStream ? framesOf(String(sent)) : sent);
    Object.assign(response, {
      writeHead(status: number, headers: Readonly<Record<string, string>> = {}) {
        isStream = headers['content-type'] === 'text/event-stream';
        writeHead(status, isStream ? { ...headers, 'content-type': AWS_EVENT_STREAM } : headers);
        if (isStream) response.flushHeaders();
        return response;
      },
      write: (sent: unknown) => write(frame(sent)),
      end: (sent?: unknown) => (sent === undefined ? end() : end(frame(sent))),
    });
    return serve(exchange);
  };
}

/** The events of server-sent ones; comments are none. */
export function framesOf(text: string): Buffer {
  const data = [...text.matchAll(/^data: ?(.*)$/gm)];
  return Buffer.concat(data.map(([, json]) => chunkOf(json!)));
}
