import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';

// #region sampling
/** One trace in ten, unless the caller of the application has decided. */
export const sampler: Sampler = new ParentBasedSampler({
  root: new TraceIdRatioBasedSampler(0.1),
});
export const newSdk = () => new NodeSDK({ sampler });
// #endregion
