import { brand } from '../util/brand.js';
import { CallbackAbort } from '../index.js';

/**
 * A test was about to ask a real model, which `forbidRealLlm()` does not allow. Nothing was sent. Interceptors do not try
 * it again or ask another client, and it ends a surrounding agent.
 */
export class RealLlmCallError extends CallbackAbort {
  static {
    brand(this, 'error:RealLlmCallError');
  }

  override readonly code = 'real_llm_call';
}
