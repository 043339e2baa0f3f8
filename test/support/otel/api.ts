export { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
export { logs } from '@opentelemetry/api-logs';
