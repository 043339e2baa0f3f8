/**
 * The canonical JSON of plain JSON data, as defined by RFC 8785: no white space, the keys of each object sorted by
 * their UTF-16 code units, numbers and strings as `JSON.stringify` writes them. So it is the same after a store that
 * does not keep the order of keys, such as `jsonb` of PostgreSQL. An unpaired surrogate, which RFC 8785 does not allow,
 * is written as its escape.
 *
 * @param root what `JSON.parse` returns, of a depth that its creator has bounded
 */
export function toCanonicalJson(root: unknown): string {
  const written: string[] = [];
  /** What remains to be written, the next one last. */
  const rest: Piece[] = [{ value: root }];
  for (let piece = rest.pop(); piece !== undefined; piece = rest.pop()) {
    if (typeof piece === 'string') written.push(piece);
    else if (typeof piece.value !== 'object' || piece.value === null)
      written.push(JSON.stringify(piece.value) ?? 'null');
    else for (const next of piecesOf(piece.value).toReversed()) rest.push(next);
  }
  return written.join('');
}

/** A string that is written as it is, or a value that is to be written. */
type Piece = string | { readonly value: unknown };

function piecesOf(value: object): Piece[] {
  if (Array.isArray(value)) {
    const items = value.flatMap((item: unknown, index): Piece[] =>
      index === 0 ? [{ value: item }] : [',', { value: item }],
    );
    return ['[', ...items, ']'];
  }
  const fields = value as Record<string, unknown>;
  // Without a comparator, strings are sorted by their code units.
  const keys = Object.keys(fields)
    .filter((key) => fields[key] !== undefined)
    .toSorted();
  const pieces = keys.flatMap((key, index): Piece[] => [
    `${index === 0 ? '' : ','}${JSON.stringify(key)}:`,
    { value: fields[key] },
  ]);
  return ['{', ...pieces, '}'];
}
