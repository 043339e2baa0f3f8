import { Injectable } from '@nestjs/common';
import { InterceptLlm, type InterceptedLlmCall, type LlmNext } from 'nestjs-llm-callbacks';

const MAX_OUTPUT_TOKENS = 1_000;

/** Bounds each answer, so that limits know the maximum cost of a call before it is sent. */
@Injectable()
export class AnswerLength {
  @InterceptLlm({ when: ({ request }) => request.maxOutputTokens === undefined })
  bound({ request }: InterceptedLlmCall, next: LlmNext): ReturnType<LlmNext> {
    return next({ ...request, maxOutputTokens: MAX_OUTPUT_TOKENS });
  }
}
