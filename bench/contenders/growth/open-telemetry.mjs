// Who uses OpenTelemetry has loaded it before Nest, so that it can watch what is loaded after it. Here it came with a
// peer, and the library would be the first to load it.
await import('@opentelemetry/api').catch(() => undefined);
