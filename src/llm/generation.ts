import type { CompiledSchema } from '../schema/index.js';
import type { LlmRequest, LlmResponse, ProviderResult } from '../shapes/index.js';
import type { LlmCall } from './llm-call.js';
import { checkResult } from './provider-result.js';
import {
  isMendable,
  misfit,
  readAnswer,
  repairRequest,
  type AnswerReading,
} from './structured-answer.js';

/** Takes a call from its start event to its terminal one. */
export async function generate(call: LlmCall): Promise<LlmResponse> {
  const { request, schema } = call.spec;
  try {
    const beginning = call.begin();
    if (beginning !== undefined) await beginning;
    const result = await ask(call, request);
    if (schema === undefined) return await call.succeed(result);
    return await generateObject(call, schema, result);
  } catch (error) {
    return call.breakOff(error);
  }
}

/** Ends a streamed call with its answer; a reader has seen it by then, so that it cannot be mended. */
export async function concludeStream(call: LlmCall, result: ProviderResult): Promise<LlmResponse> {
  const { schema } = call.spec;
  if (schema === undefined) return call.succeed(result);
  try {
    return await conclude(call, result, await read(call, schema, result));
  } catch (error) {
    return call.breakOff(error);
  }
}

/** One request to the provider. */
async function ask(call: LlmCall, request: LlmRequest): Promise<ProviderResult> {
  const { client } = call.spec;
  try {
    const answering = call.run.inside(() => client.provider.generate(request, call.context));
    return checkResult(call.spec, await call.run.orAborted(Promise.resolve(answering)));
  } catch (error) {
    throw call.providerError(error);
  }
}

/** Lets the model mend an answer that does not fit, once. */
async function generateObject(
  call: LlmCall,
  schema: CompiledSchema,
  result: ProviderResult,
): Promise<LlmResponse> {
  const reading = await read(call, schema, result);
  if (!isMendable(result, reading)) return conclude(call, result, reading);
  const repair = repairRequest(call.spec.request, schema, result, reading.issues);
  await call.askAgain(repair, misfit(result, reading.issues));
  const mended = await ask(call, repair);
  return conclude(call, mended, await read(call, schema, mended));
}

function read(
  call: LlmCall,
  schema: CompiledSchema,
  result: ProviderResult,
): Promise<AnswerReading> {
  call.arrived(result);
  return call.run.orAborted(readAnswer(schema, result));
}

async function conclude(
  call: LlmCall,
  result: ProviderResult,
  reading: AnswerReading,
): Promise<LlmResponse> {
  if ('issues' in reading) throw misfit(result, reading.issues);
  return await call.succeed(result, reading.object);
}
