import { afterEach, describe, expect, it } from '@jest/globals';
import { CallbacksModule, LlmService } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import {
  Cleaner,
  HelpModule,
  HelpTexts,
  IndexCosts,
  Requests,
  Vowels,
} from './examples/embeddings.js';
import { closeAll, start } from './start.js';

afterEach(closeAll);

const PRICES = { embedder: { inputPerMillion: 1_000_000, outputPerMillion: 0 } };

function embedding(provider: ConstructorParameters<typeof FakeLlm>[0] | object = new FakeLlm()) {
  return CallbacksModule.forRoot({
    llm: { provider: provider as FakeLlm, model: 'fake', embeddingModel: 'embedder' },
    prices: PRICES,
  });
}

describe('The example of embeddings', () => {
  it('finds the text that is nearest to the query', async () => {
    const app = await start({ imports: [HelpModule] });
    const texts = app.get(HelpTexts);
    await texts.index(['how to print', 'how to scan', 'how to copy', 'how to fax']);
    const found = await texts.find('how to scan');
    expect(found).toHaveLength(3);
    expect(found[0]).toBe('how to scan');
  });

  it('adds up the cost of its index', async () => {
    const app = await start({ imports: [embedding()], providers: [HelpTexts, IndexCosts] });
    await app.get(HelpTexts).index(['abcd', 'abcd']);
    await app.get(HelpTexts).find('abcd');
    expect(app.get(IndexCosts).dollars).toBe(2);
  });

  it('cleans the texts that are sent', async () => {
    const fake = new FakeLlm();
    const recording = new RecordingCallbacks();
    const app = await start({ imports: [embedding(fake)], providers: [Cleaner] });
    await app.get(LlmService).embed('  Printer ', { callbacks: [recording] });
    expect(fake.embedRequests[0]!.input).toEqual(['printer']);
    expect(recording.of('embedding.start')[0]!.input).toEqual(['  Printer ']);
  });

  it('counts requests of every kind', async () => {
    const app = await start({
      imports: [embedding(new FakeLlm(['a', 'b']))],
      providers: [Requests],
    });
    const llm = app.get(LlmService);
    await llm.generate('x');
    await llm.stream('x').response;
    await llm.embed(Array.from({ length: 2_049 }, () => 'x'));
    expect(app.get(Requests).count).toEqual({ llm: 2, embedding: 2 });
  });

  it('embeds with a provider of its own', async () => {
    const app = await start({ imports: [embedding(new Vowels())] });
    const { embeddings, provider } = await app.get(LlmService).embed(['banana', 'queue']);
    expect(embeddings).toEqual([
      [3, 0, 0, 0, 0],
      [0, 2, 0, 0, 2],
    ]);
    expect(provider).toBe('parrot');
  });
});
