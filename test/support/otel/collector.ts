import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
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

interface OtlpScope {
  readonly name: string;
  readonly version?: string;
}

interface OtlpScoped {
  readonly scope: OtlpScope;
  readonly schemaUrl?: string;
  readonly spans?: readonly OtlpSpan[];
  readonly logRecords?: readonly OtlpLogRecord[];
  readonly metrics?: readonly OtlpMetric[];
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpKeyValue[];
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes?: readonly OtlpKeyValue[];
  }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface OtlpLogRecord {
  readonly eventName: string;
  readonly severityNumber?: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes?: readonly OtlpKeyValue[];
}

/** A metric, as OTLP has it. */
// oxlint-disable-next-line typescript/no-explicit-any -- its many forms are read by tests alone
export type OtlpMetric = Readonly<Record<string, any>>;

interface OtlpBody {
  readonly resourceSpans?: readonly { readonly scopeSpans?: readonly OtlpScoped[] }[];
  readonly resourceLogs?: readonly { readonly scopeLogs?: readonly OtlpScoped[] }[];
  readonly resourceMetrics?: readonly { readonly scopeMetrics?: readonly OtlpScoped[] }[];
}

/** A server on loopback that receives OTLP over HTTP as JSON. */
export class Collector {
  readonly spans: ExportedSpan[] = [];
  readonly events: ExportedEvent[] = [];
  /** The metrics of the last export, as OTLP has them, with their scopes. */
  readonly metrics: {
    readonly scope: string;
    readonly schemaUrl?: string;
    readonly metric: OtlpMetric;
  }[] = [];
  /** Where the bodies were sent, and how. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
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
    for (const received of [this.spans, this.events, this.metrics, this.bodies])
      received.length = 0;
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
    this.requests.push({ path: request.url ?? '', headers: request.headers });
    try {
      this.#take(request.url ?? '', JSON.parse(text) as OtlpBody);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  }

  #take(path: string, body: OtlpBody): void {
    if (path.endsWith('/v1/traces')) return void this.spans.push(...spansIn(body));
    if (path.endsWith('/v1/logs')) return void this.events.push(...eventsIn(body));
    if (!path.endsWith('/v1/metrics')) throw new Error(`There is no ${path}.`);
    this.metrics.length = 0;
    for (const { scopeMetrics = [] } of body.resourceMetrics ?? [])
      for (const { scope, schemaUrl, metrics = [] } of scopeMetrics)
        for (const metric of metrics)
          this.metrics.push({ scope: scope.name, ...(schemaUrl && { schemaUrl }), metric });
  }
}

function spansIn({ resourceSpans = [] }: OtlpBody): ExportedSpan[] {
  const scoped = resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans);
  return scoped.flatMap(({ scope, schemaUrl, spans = [] }) =>
    spans.map((span) => ({
      scope,
      schemaUrl: schemaUrl || undefined,
      name: span.name,
      kind: KINDS[span.kind]!,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      attributes: plainAttributes(span.attributes),
      events: (span.events ?? []).map(({ name, timeUnixNano, attributes }) => ({
        name,
        at: BigInt(timeUnixNano),
        attributes: plainAttributes(attributes),
      })),
      status: statusOf(span.status),
    })),
  );
}

function statusOf({ code = 0, message }: OtlpSpan['status'] = {}): ExportedSpan['status'] {
  return { code: CODES[code]!, ...(message !== undefined && { message }) };
}

function eventsIn({ resourceLogs = [] }: OtlpBody): ExportedEvent[] {
  const scoped = resourceLogs.flatMap(({ scopeLogs = [] }) => scopeLogs);
  return scoped.flatMap(({ scope, logRecords = [] }) =>
    logRecords.map(({ eventName, severityNumber, traceId, spanId, attributes }) => ({
      scope,
      eventName,
      severityNumber,
      traceId,
      spanId,
      attributes: plainAttributes(attributes),
    })),
  );
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
