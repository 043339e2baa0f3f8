/** The headers of a message: a record, or an object with a `get` method, as with gRPC and NATS. */
type Headers = Record<string, unknown> & { get?(name: string): unknown };

/** The used part of the contexts of `@nestjs/microservices`. */
interface RpcContext {
  getHeaders?(): Headers | undefined;
  getMetadata?(): Headers | undefined;
  getMessage?(): { headers?: Headers; properties?: { headers?: Headers } } | undefined;
  getPacket?(): { properties?: { userProperties?: Headers } } | undefined;
  getPattern?(): unknown;
  getSubject?(): unknown;
  getTopic?(): unknown;
  getChannel?(): unknown;
}

/** A header of a message, if its transport has headers. */
export function rpcHeader(context: RpcContext, name: string): unknown {
  const headers = headersOf(context);
  const value = typeof headers.get === 'function' ? headers.get(name) : headers[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return Buffer.isBuffer(first) ? first.toString() : first;
}

/** The target of a message: a pattern, a subject, a topic or a channel; gRPC methods have none. */
export function rpcPattern(context: RpcContext): unknown {
  return (
    context.getPattern?.() ??
    context.getSubject?.() ??
    context.getTopic?.() ??
    context.getChannel?.()
  );
}

/** For gRPC and unknown transports, the context itself holds the headers. */
function headersOf(context: RpcContext): Headers {
  return (
    context.getHeaders?.() ?? // NATS
    context.getMetadata?.() ?? // TCP and Redis, from Nest 12
    context.getMessage?.()?.headers ?? // Kafka
    context.getMessage?.()?.properties?.headers ?? // RabbitMQ
    context.getPacket?.()?.properties?.userProperties ?? // MQTT
    (context as Headers)
  );
}
