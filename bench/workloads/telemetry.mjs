// The same work with OpenTelemetry: what traces, metrics, and both add to the library alone.
import { agentOf, callOf, OURS, SMOKE, streamOf } from './wire.mjs';

const KINDS = { traces: 'with traces', metrics: 'with metrics', both: 'with both' };

export function telemetryWorkloads({ smoke = false } = {}) {
  const times = (hot, light) => (smoke ? light : hot);
  const streams = { chunks: times(2_000, SMOKE.chunks), times: times(2, SMOKE.times) };
  return [
    callOf('openai', times(50, SMOKE.calls)),
    streamOf('openai', 1, streams),
    agentOf(1, times(20, SMOKE.calls)),
  ].map(withTelemetry);
}

function withTelemetry(workload) {
  const { module } = workload.contenders.find(({ name }) => name === OURS.name);
  return {
    ...workload,
    name: `telemetry-${workload.name}`,
    title: `${workload.title}, with OpenTelemetry`,
    variant: false,
    contenders: [
      { name: 'without', module },
      { name: 'without again', module, control: true },
      ...Object.entries(KINDS).map(([telemetry, name]) => ({
        name,
        module,
        options: { telemetry },
      })),
    ],
    goals: [],
  };
}
