import { once } from 'node:events';
import { defer } from './defer.js';
import type { Serve } from './server.js';

const SSE = { 'content-type': 'text/event-stream' };

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Serve {
  return ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** An answer of any kind. */
export function text(body: string, contentType: string, status = 200): Serve {
  return ({ response }) =>
    void response.writeHead(status, { 'content-type': contentType }).end(body);
}

/** A whole event stream. */
export function events(...frames: readonly string[]): Serve {
  return ({ response }) => void response.writeHead(200, SSE).end(frames.join(''));
}

/** An event stream that sends some frames and then stalls. */
export function stalled(...frames: readonly string[]): Serve {
  return ({ response }) => void response.writeHead(200, SSE).write(frames.join('') || ': wait\n\n');
}

/** An event stream whose connection is lost after some frames. */
export function cutStream(...frames: readonly string[]): Serve {
  return async ({ response }) => {
    response.writeHead(200, SSE).write(frames.join('') || ': wait\n\n');
    // Wait until the bytes are sent; otherwise a reset may overtake them.
    await new Promise(setImmediate);
    response.socket?.end();
  };
}

/** An event stream that sends its frames one by one, each when the test lets it. */
export function stepwise(...frames: readonly string[]): { serve: Serve; step: () => void } {
  const steps = frames.map(() => defer<void>());
  let taken = 0;
  return {
    step: () => steps[taken++]?.resolve(),
    serve: async ({ response }) => {
      response.writeHead(200, SSE).flushHeaders();
      for (const [i, frame] of frames.entries()) {
        await steps[i]!.promise;
        response.write(frame);
      }
      response.end();
    },
  };
}

/** An event stream whose bytes are sent in separate writes. */
export function inPieces(pieces: readonly Uint8Array[]): Serve {
  return async ({ response }) => {
    response.writeHead(200, SSE);
    response.socket?.setNoDelay(true);
    for (const piece of pieces) {
      if (!response.write(piece)) await once(response, 'drain');
      await new Promise(setImmediate);
    }
    response.end();
  };
}

/** An event stream whose socket is destroyed after some pieces, when the test lets it. */
export function destroyed(pieces: readonly Uint8Array[]): { serve: Serve; destroy: () => void } {
  const released = defer<void>();
  return {
    destroy: () => released.resolve(),
    serve: async ({ response }) => {
      response.writeHead(200, SSE).flushHeaders();
      for (const piece of pieces) response.write(piece);
      await released.promise;
      response.socket?.destroy();
    },
  };
}

/** No answer, ever. */
export const silence: Serve = () => undefined;

/** The connection is lost before there is any answer. */
export const hangUp: Serve = ({ response }) => void response.socket?.destroy();

/** The connection is lost after the headers of a JSON answer. */
export const hangUpInAnswer: Serve = async ({ response }) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"id":');
  await new Promise(setImmediate);
  response.socket?.end();
};
