import { brand } from '../util/brand.js';
import { CallbackAbort } from '../index.js';

/**
 * A test tried to call a real model, which `forbidRealLlm()` forbids. Nothing was sent. Interceptors neither retry the
 * call nor use another client, and it fails a surrounding agent.
 */
export class RealLlmCallError extends CallbackAbort {
  static {
    brand(this, 'error:RealLlmCallError');
  }

  override readonly code = 'real_llm_call';
}
