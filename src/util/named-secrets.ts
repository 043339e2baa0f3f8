/** The default names of secrets, as {@link plainName} returns them. They are compared whole. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'apikey',
  'xapikey',
  'password',
  'passwd',
  'secret',
  'clientsecret',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'cookie',
  'setcookie',
  'privatekey',
]);

/** Ends of names that are followed by a secret in texts: `OPENAI_API_KEY=…`, `db-password: …`. */
const ENDS =
  /(?:authorization|apikey|(?:access|refresh|id|auth|session|security|bearer|api)token|clientsecret|password|passwd|passphrase|cookie|(?:private|secret|account|signing|encryption|sharedaccess|secretaccess)key)$/;
/** The same before `=`: too common before `:` in sentences. */
const ASSIGNED_ENDS = /(?:secret|token|pwd)$/;
/** More names of query parameters. */
const QUERY_NAMES: ReadonlySet<string> = new Set(
  'key sig signature auth pwd code xamzsignature xamzsecuritytoken xgoogsignature'.split(' '),
);

const MAX_NAME = 64;
const MAX_BLANKS = 8;
const MAX_SLASHES = 64;
const NAME_CHAR = /[\w-]/;
const BLANK = /\s/;
const QUOTE = /["'`]/;
const SCHEME = /^[a-z][a-z\d-]{2,24}$/i;
const COMMON_SCHEME = /^(?:bearer|basic|digest|token|apikey|negotiate)$/i;
const HARMLESS = /^(?:null|undefined|true|false|none|\[object)$/i;
const NUMBER = /^-?\d[\d.]*(?:e[+-]?\d+)?,?$/i;

/** A name of a secret without differences of notation: `X-Api_Key` is `xapikey`. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** A part of a text. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Replaces the values of secrets in `name: value`, `name=value`, `"name": "value"` (also if cut, or escaped as in JSON
 * inside JSON), headers and query parameters. Linear in the length of the text.
 *
 * @param names the names that are secret if they occur whole, in quotes or as a query parameter
 */
export function withoutNamedSecrets(
  text: string,
  replacement: string,
  names: ReadonlySet<string> = SECRET_NAMES,
): string {
  const separators = /[:=]/g;
  let safe = '';
  let done = 0;
  for (let found = separators.exec(text); found !== null; found = separators.exec(text)) {
    const name = nameBefore(text, found.index, done);
    if (name === undefined || !isSecretName(name, names)) continue;
    const value = valueAfter(text, found.index, name, replacement);
    if (value === undefined || value.to <= value.from) continue;
    safe += text.slice(done, value.from) + replacement;
    separators.lastIndex = done = value.to;
  }
  return done === 0 ? text : safe + text.slice(done);
}

/** A name before a separator. */
interface Name {
  /** See {@link plainName}. */
  readonly plain: string;
  readonly isQuoted: boolean;
  /** Whether nothing else belongs to the name. */
  readonly isWhole: boolean;
  readonly isQuery: boolean;
  readonly isAssigned: boolean;
}

function nameBefore(text: string, separator: number, begin: number): Name | undefined {
  let at = separator - 1;
  for (let blanks = 0; blanks < MAX_BLANKS && isAt(BLANK, text, at); blanks++) at--;
  const quote = isAt(QUOTE, text, at) ? text[at]! : '';
  if (quote !== '') at--;
  for (let slashes = 0; slashes < MAX_SLASHES && text[at] === '\\'; slashes++) at--;
  const end = at + 1;
  while (at >= begin && end - at <= MAX_NAME && isAt(NAME_CHAR, text, at)) at--;
  if (at + 1 === end) return undefined;
  const isAssigned = text[separator] === '=';
  const isQuery = isAssigned && quote === '' && /[?&]/.test(text[at] ?? '');
  return {
    plain: plainName(text.slice(at + 1, end)),
    isQuoted: quote !== '',
    isWhole: isQuery || (quote !== '' && text[at] === quote),
    isQuery,
    isAssigned,
  };
}

function isSecretName({ plain, isWhole, isQuery, isAssigned }: Name, names: ReadonlySet<string>) {
  return (
    (isWhole && names.has(plain)) ||
    (isQuery && QUERY_NAMES.has(plain)) ||
    ENDS.test(plain) ||
    (isAssigned && ASSIGNED_ENDS.test(plain))
  );
}

function valueAfter(
  text: string,
  separator: number,
  name: Name,
  replacement: string,
): Range | undefined {
  let from = separator + 1;
  // `=>`, `:=`, `==`.
  while (from < separator + 3 && /[=>]/.test(text[from] ?? '')) from++;
  for (let blanks = 0; blanks < MAX_BLANKS && isAt(BLANK, text, from); blanks++) from++;
  let slashes = 0;
  while (slashes < MAX_SLASHES && text[from + slashes] === '\\') slashes++;
  const quote = text[from + slashes] ?? '';
  if (QUOTE.test(quote)) {
    const begin = from + slashes + 1;
    return { from: begin, to: endOfQuoted(text, begin, quote, slashes) };
  }
  if (name.isQuoted && /[[{]/.test(quote)) return { from, to: endOfNested(text, from) };
  if (text.startsWith(replacement, from)) return undefined;
  return bareValue(text, from, name);
}

/** A value without quotes: a word, the credentials of a scheme, or several cookies. */
function bareValue(text: string, from: number, name: Name): Range | undefined {
  let to = endOfWord(text, from, name.isAssigned);
  const word = text.slice(from, Math.min(to, from + MAX_NAME));
  if (HARMLESS.test(word) || (name.isQuoted && NUMBER.test(word))) return undefined;
  const isScheme = name.plain.endsWith('authorization') ? SCHEME : COMMON_SCHEME;
  if (isScheme.test(word) && text[to] === ' ') {
    to = endOfWord(text, to + 1, false);
    to = endOfParameters(text, to);
  }
  if (name.plain.endsWith('cookie')) {
    while (text[to] === ';') {
      const next = text[to + 1] === ' ' ? to + 2 : to + 1;
      const end = endOfWord(text, next, false);
      if (end === next) break;
      to = end;
    }
  }
  return { from, to };
}

/** The end of parameters: `username="ada", realm=shop`, of which the first has begun. */
function endOfParameters(text: string, from: number): number {
  const more = /,\s?[\w-]{1,64}=[^\s,"]*/y;
  for (let to = from; ;) {
    if (text[to] === '"' && text[to - 1] === '=') {
      to = Math.min(text.length, endOfQuoted(text, to + 1, '"', 0) + 1);
    }
    more.lastIndex = to;
    if (!more.test(text)) return to;
    to = more.lastIndex;
  }
}

/** The end of a word: a comma is part of it if no blank and no quote follows. */
function endOfWord(text: string, from: number, isAssigned: boolean): number {
  let at = from;
  for (; at < text.length; at++) {
    if (isAt(/[\s"'`;}\\<]/, text, at) || (isAssigned && text[at] === '&')) break;
    if (text[at] === ',' && !isAt(/[^\s"'`]/, text, at + 1)) break;
  }
  return at;
}

/**
 * The end of a quoted text.
 *
 * @param level the number of backslashes before its quotes, in JSON inside JSON
 */
function endOfQuoted(text: string, from: number, quote: string, level: number): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (at - slashes > from && text[at - slashes - 1] === '\\') slashes++;
    if (level === 0 ? slashes % 2 === 0 : slashes <= level) return at - Math.min(slashes, level);
  }
  return text.length;
}

/** The end of a list or an object; that of the text if it is cut. */
function endOfNested(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      let level = 0;
      while (level < MAX_SLASHES && text[at - level - 1] === '\\') level++;
      at = text.indexOf('"', endOfQuoted(text, at + 1, '"', level));
      if (at < 0) return text.length;
    } else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

function isAt(kind: RegExp, text: string, at: number): boolean {
  const character = text[at];
  return character !== undefined && kind.test(character);
}
