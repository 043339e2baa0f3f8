// A provider without a wire: hands out ready chunks, so that only the way from provider to reader is measured.
const CHUNK = { type: 'text', text: ' word' };
const RESULT = {
  id: '1',
  model: 'pieces',
  text: '',
  message: { role: 'assistant', content: '' },
  toolCalls: [],
  finishReason: 'stop',
  usage: {
    inputTokens: 1,
    outputTokens: 1,
    totalTokens: 2,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    source: 'provider',
  },
};

/** `count` chunks and, where there is one, the result. */
export class Pieces {
  #left;
  #result;

  constructor(count, result) {
    this.#left = count;
    this.#result = result;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    if (this.#left-- > 0) return Promise.resolve({ done: false, value: CHUNK });
    const value = this.#result;
    this.#result = undefined;
    return Promise.resolve({ done: value === undefined, value });
  }
}

/** An `LlmProvider`. */
export class PiecesProvider {
  name = 'pieces';
  /** How many chunks the next stream has. */
  count = 0;

  generate() {
    return Promise.resolve(RESULT);
  }

  stream() {
    return new Pieces(this.count, RESULT);
  }
}
