import type { CompiledSchema } from '../../schema/schema.js';
import type { LlmRequest, LlmResponse } from '../../types/llm.js';
import { isPausable } from '../llm-options.js';
import { InterceptorChain } from './interceptor-chain.js';
import type { LlmCall } from './llm-call.js';
import { ProviderRequest } from './provider-request.js';
import type { Answer } from './response.js';
import {
  type AnswerReading,
  isRepairable,
  readAnswer,
  repairRequest,
  schemaMismatch,
} from './structured-output.js';

/** Runs a call from its start event to its terminal event. */
export async function generate(open: () => LlmCall): Promise<LlmResponse> {
  const call = open();
  const { schema } = call.spec;
  try {
    const beginning = call.begin();
    if (beginning !== undefined) await beginning;
    const result = await ask(call, call.spec.request);
    const response =
      schema === undefined ? call.succeed(result) : generateObject(call, schema, result);
    return response instanceof Promise ? await response : response;
  } catch (error) {
    return call.breakOff(error);
  }
}

/** Ends a streamed call with its answer. The consumer has already seen it, so it cannot be repaired. */
export async function concludeStream(call: LlmCall, result: Answer): Promise<LlmResponse> {
  const { schema } = call.spec;
  if (schema === undefined) return call.succeed(result);
  try {
    return await conclude(call, result, await read(call, schema, result));
  } catch (error) {
    return call.breakOff(error);
  }
}

/** One answer: the provider's, or the interceptors' result. */
function ask(call: LlmCall, request: LlmRequest): Promise<Answer> {
  const target = { client: call.spec.client, request };
  const { signal } = call.run;
  if (!call.isIntercepted) return new ProviderRequest(call, target, signal).whole();
  const answering = new InterceptorChain(call, target, signal).whole();
  // After an abort, the caller does not wait for interceptors, which may still clean up.
  call.holdOpen(answering);
  return call.run.orAborted(answering);
}

/** Lets the model repair an answer that does not match, once. */
async function generateObject(
  call: LlmCall,
  schema: CompiledSchema,
  result: Answer,
): Promise<LlmResponse> {
  const reading = await read(call, schema, result);
  if (!isRepairable(result, reading)) return conclude(call, result, reading);
  const repair = repairRequest(call.spec.request, schema, result, reading.issues);
  call.rejectAttempt(schemaMismatch(result, reading.issues));
  const repaired = await ask(call, repair);
  return conclude(call, repaired, await read(call, schema, repaired));
}

function read(call: LlmCall, schema: CompiledSchema, result: Answer): Promise<AnswerReading> {
  call.arrived(result);
  const continuesPaused = isPausable(call.spec.options);
  return call.run.orAborted(readAnswer(schema, result, continuesPaused));
}

async function conclude(
  call: LlmCall,
  result: Answer,
  reading: AnswerReading,
): Promise<LlmResponse> {
  if ('issues' in reading) {
    const error = schemaMismatch(result, reading.issues);
    call.meter.rejectAttempt(error);
    throw error;
  }
  return await call.succeed(result, reading.object);
}
