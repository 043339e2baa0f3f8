import { json } from './serve.js';
import type { Serve } from './server.js';
import type { WireError, WireFormat } from './wire-format.js';

/** An error after which the SDK retries at once, instead of half a second later. */
export function failsOnce(wire: WireFormat, status: number, error: WireError): Serve {
  return json(wire.error(error), status, { 'retry-after-ms': '1' });
}
