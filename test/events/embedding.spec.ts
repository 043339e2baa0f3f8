import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { EmbeddingEndEvent, reviveEvent } from 'nestjs-llm-callbacks';
import { SAMPLE_EVENTS } from '../support/sample-events.js';

const event = SAMPLE_EVENTS['embedding.end'];

describe('An embedding.end event', () => {
  it('has the vectors, their number and their length', () => {
    expect(event.response.embeddings).toHaveLength(2);
    expect(event).toMatchObject({ count: 2, dimensions: 2, tokenCount: 3, cost: 0.5 });
  });

  it('leaves the vectors out of its JSON and out of console.log', () => {
    const { response, ...rest } = event.toJSON() as Record<string, unknown>;
    expect(rest).toMatchObject({ count: 2, dimensions: 2, tokenCount: 3, cost: 0.5 });
    expect(response).toMatchObject({ model: 'fake', dimensions: 2, cost: 0.5 });
    expect(response).not.toHaveProperty('embeddings');
    expect(JSON.stringify(event)).not.toContain('0.25');
    expect(inspect(event, { depth: 9 })).not.toContain('0.25');
    // The response itself is written whole.
    expect(JSON.stringify(event.response)).toContain('0.25');
  });

  it('is revived from JSON with its counts and without vectors', () => {
    const revived = reviveEvent(JSON.parse(JSON.stringify(event))) as EmbeddingEndEvent;
    expect(revived).toBeInstanceOf(EmbeddingEndEvent);
    expect(revived).toMatchObject({ count: 2, dimensions: 2, tokenCount: 3 });
    expect(revived.response.embeddings).toBeUndefined();
    expect(revived.response.attempts[0]?.error).toBeInstanceOf(Error);
  });

  it('is revived from a JSON whose response is no object', () => {
    const json = { ...(JSON.parse(JSON.stringify(event)) as object), response: null };
    expect(reviveEvent(json).toJSON()).toMatchObject({ type: 'embedding.end', count: 2 });
  });
});
