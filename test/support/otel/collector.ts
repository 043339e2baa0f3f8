import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A value of OTLP's JSON. */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpKeyValue[] };
  readonly bytesValue?: string;
}

export interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpValue;
}

/** A span as it was exported. */
export interface ExportedSpan {
  readonly scope: { readonly name: string; readonly version?: string };
  readonly schemaUrl: string | undefined;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly at: bigint;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly status: { readonly code: 'UNSET' | 'OK' | 'ERROR'; readonly message?: string };
}

/** An event, which is a log record. */
export interface ExportedEvent {
  readonly scope: { readonly name: string; readonly version?: string };
  readonly eventName: string;
  readonly severityNumber: number | undefined;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const KINDS = ['INTERNAL', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const CODES = ['UNSET', 'OK', 'ERROR'] as const;

// oxlint-disable-next-line typescript/no-explicit-any -- JSON of a protocol, which only tests read
type Json = Readonly<Record<string, any>>;

/** A server on loopback that receives OTLP over HTTP as JSON. */
export class Collector {
  readonly spans: ExportedSpan[] = [];
  readonly events: ExportedEvent[] = [];
  /** The metrics of the last export, as OTLP has them, with their scopes. */
  readonly metrics: {
    readonly scope: string;
    readonly schemaUrl?: string;
    readonly metric: Json;
  }[] = [];
  /** All bodies, as they were sent. */
  readonly bodies: string[] = [];
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  static async listen(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  clear(): void {
    for (const list of [this.spans, this.events, this.metrics, this.bodies]) list.length = 0;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece as Uint8Array);
    const text = Buffer.concat(pieces).toString();
    this.bodies.push(text);
    try {
      this.#take(request.url ?? '', JSON.parse(text) as Json);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  }

  #take(path: string, body: Json): void {
    if (path === '/v1/traces') return void this.spans.push(...spansIn(body));
    if (path === '/v1/logs') return void this.events.push(...eventsIn(body));
    if (path !== '/v1/metrics') throw new Error(`There is no ${path}.`);
    this.metrics.length = 0;
    for (const resource of list(body['resourceMetrics']))
      for (const scope of list(resource['scopeMetrics']))
        for (const metric of list(scope['metrics']))
          this.metrics.push({
            scope: (scope['scope'] as { name: string }).name,
            schemaUrl: scope['schemaUrl']!,
            metric,
          });
  }
}

function spansIn(body: Json): ExportedSpan[] {
  return list(body['resourceSpans']).flatMap((resource) =>
    list(resource['scopeSpans']).flatMap((scoped) =>
      list(scoped['spans']).map((span) => ({
        scope: scoped['scope']!,
        schemaUrl: scoped['schemaUrl'] || undefined,
        name: span['name']!,
        kind: KINDS[span['kind'] as number]!,
        traceId: span['traceId']!,
        spanId: span['spanId']!,
        parentSpanId: span['parentSpanId'] || undefined,
        start: BigInt(span['startTimeUnixNano']!),
        end: BigInt(span['endTimeUnixNano']!),
        attributes: plainAttributes(span['attributes']),
        events: list(span['events']).map((event) => ({
          name: event['name']!,
          at: BigInt(event['timeUnixNano']!),
          attributes: plainAttributes(event['attributes']),
        })),
        status: statusOf(span['status']),
      })),
    ),
  );
}

function statusOf(status: { code?: number; message?: string } | undefined): ExportedSpan['status'] {
  const { code = 0, message } = status ?? {};
  return { code: CODES[code]!, ...(message !== undefined && { message }) };
}

function eventsIn(body: Json): ExportedEvent[] {
  return list(body['resourceLogs']).flatMap((resource) =>
    list(resource['scopeLogs']).flatMap((scoped) =>
      list(scoped['logRecords']).map((record) => ({
        scope: scoped['scope']!,
        eventName: record['eventName']!,
        severityNumber: record['severityNumber'],
        traceId: record['traceId']!,
        spanId: record['spanId']!,
        attributes: plainAttributes(record['attributes']),
      })),
    ),
  );
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Attributes as a plain object. */
export function plainAttributes(attributes: unknown): Record<string, unknown> {
  const entries = Array.isArray(attributes) ? (attributes as OtlpKeyValue[]) : [];
  return Object.fromEntries(entries.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: OtlpValue): unknown {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return value.doubleValue;
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue !== undefined) return plainAttributes(value.kvlistValue.values);
  return null;
}
