/** `count` provider classes of five methods that only count, each a class of its own. */
export function manyClasses(count) {
  return Array.from({ length: count }, makeClass);
}

/** The methods, each with the name of the decorator that fits it. */
export const METHODS = {
  begins: 'OnLlmStart',
  ends: 'OnLlmEnd',
  fails: 'OnLlmError',
  tries: 'OnLlmRetry',
  pieces: 'OnLlmStreamChunk',
};

function makeClass() {
  return class Provider {
    heard = 0;

    begins() {
      this.heard++;
    }

    ends() {
      this.heard++;
    }

    fails() {
      this.heard++;
    }

    tries() {
      this.heard++;
    }

    pieces() {
      this.heard++;
    }
  };
}
