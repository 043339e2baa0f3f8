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

/** The tool whose call is streamed, and the one that an agent is to call. */
export const REPORT_TOOL = 'write_report';
export const ORDER_TOOL = 'find_order';

/** The `count` pieces of an answer. */
export function pieces(count) {
  return Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length]);
}

/** The same words as the JSON of a tool call's arguments, in `count` pieces. */
export function argumentPieces(count) {
  return ['{"report":"', ...pieces(count - 2), '"}'];
}
