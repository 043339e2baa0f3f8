// The words that the server says: token-sized, with some characters of more than one byte.
const WORDS = [
  ' the',
  ' answer',
  ' to',
  ' your',
  ' question',
  ' is',
  ' café',
  ',',
  ' 42',
  '.',
  ' –',
];

/** The `count` pieces of an answer. */
export function pieces(count) {
  return Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length]);
}
