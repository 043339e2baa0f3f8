import { Injectable, Module } from '@nestjs/common';
import {
  CallbacksModule,
  type EmbeddingEndEvent,
  type EmbeddingNext,
  type EmbedRequest,
  type EmbedResult,
  InterceptEmbedding,
  type InterceptedEmbeddingCall,
  type InterceptedModelCall,
  InterceptModel,
  LlmService,
  type ModelNext,
  OnEmbeddingEnd,
  Retrieval,
  UNREPORTED_USAGE,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';
import { Parrot } from './own-provider.js';

// #region search
@Injectable()
export class HelpTexts {
  #texts: { text: string; vector: number[] }[] = [];

  constructor(private readonly llm: LlmService) {}

  async index(texts: string[]) {
    const { embeddings } = await this.llm.embed(texts, { tags: ['index'] });
    this.#texts = texts.map((text, i) => ({ text, vector: embeddings[i]! }));
  }

  @Retrieval({ source: 'help-texts' })
  async find(query: string) {
    const { embeddings } = await this.llm.embed(query);
    const nearness = ({ vector }: { vector: number[] }) =>
      vector.reduce((sum, number, i) => sum + number * embeddings[0]![i]!, 0);
    const nearest = this.#texts.toSorted((a, b) => nearness(b) - nearness(a));
    return nearest.slice(0, 3).map(({ text }) => text);
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: { ...model, embeddingModel: 'text-embedding-3-small' } }),
  ],
  providers: [HelpTexts],
})
export class HelpModule {}
// #endregion

// #region event
@Injectable()
export class IndexCosts {
  dollars = 0;

  @OnEmbeddingEnd({ when: ({ tags }) => tags.includes('index') })
  add({ cost }: EmbeddingEndEvent) {
    this.dollars += cost ?? 0;
  }
}
// #endregion

// #region interceptor
@Injectable()
export class Cleaner {
  // Each request is cleaned; the start event has the texts as they were given.
  @InterceptEmbedding()
  clean({ request }: InterceptedEmbeddingCall, next: EmbeddingNext) {
    return next({ ...request, input: request.input.map((text) => text.trim().toLowerCase()) });
  }
}
// #endregion

// #region any-kind
@Injectable()
export class Requests {
  readonly count = { llm: 0, embedding: 0 };

  // LLM calls, whole and streamed, and embeddings; next to the provider, where each request is seen.
  @InterceptModel({ order: Infinity })
  note({ kind }: InterceptedModelCall, next: ModelNext) {
    this.count[kind]++;
    return next();
  }
}
// #endregion

// #region provider
/** Embeds a text as its counts of vowels. */
export class Vowels extends Parrot {
  async embed({ model: name, input }: EmbedRequest): Promise<EmbedResult> {
    const count = (text: string, vowel: string) => text.split(vowel).length - 1;
    const vowels = ['a', 'e', 'i', 'o', 'u'];
    const embeddings = input.map((text) => vowels.map((vowel) => count(text, vowel)));
    return { embeddings, model: name, usage: UNREPORTED_USAGE };
  }
}
// #endregion
