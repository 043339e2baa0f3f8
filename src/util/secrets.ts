import { withoutNamedSecrets } from './named-secrets.js';

/** Replaces a secret in a text. */
export const REDACTED = '[redacted]';

/**
 * What looks like a secret, wherever it is. Each pattern takes time linear in the length of the text: what repeats is
 * bounded, or is consumed, or cannot begin inside itself.
 */
const SECRETS: readonly RegExp[] = [
  // Private keys, also if cut.
  /-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]*?-----END [A-Z\d ]{0,60}-----|[\s\S]*)/g,
  // Keys of providers and other services, by their prefixes, also if partly masked.
  /\b(?:sk|gsk|xai|glpat|nvapi|pplx|tvly|whsec|shp(?:at|ss|ca)|sntrys|dop_v1|lin_api|xox[abeoprs])[-_][\w*.-]{7,}[\w*]/g,
  /\b(?:pk|rk|hf|r8|pat|npm)[-_](?=[\w*.-]{0,24}[\d*])[\w*.-]{7,}[\w*]/g,
  /\b(?:gh[opsur]|github_pat)_\w{16,}/g,
  /\b(?:AIza|ya29\.)[\w-]{20,}/g,
  /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g,
  /\bSG\.[\w-]{16,80}\.[\w-]{16,80}/g,
  /\b\d{8,12}:AA[\w-]{30,80}/g,
  /\bslack\.com\/services\/[\w/]{20,80}/g,
  /\bdiscord(?:app)?\.com\/api\/\w{8}\/\d{8,24}\/[\w-]{20,100}/g,
];
/** Json web tokens. */
const TOKEN = /(?<![\w-])[\w-]{0,64}?eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)*/g;
/** Credentials of the header `Authorization`. */
const BEARER = /\b(bearer)(\s{1,8})([\w.~+/=*-]{6,})/gi;
const BASIC = /\b(basic)(\s{1,8})([a-z\d+/*]{6,}={0,2})/gi;
/** User and password, or a long user, in a URL. */
const IN_URL = /(\b[a-z][a-z\d+.-]{0,20}:\/\/)([^\s/?#"'<>\\]{1,400})@/gi;
/** `--password x` */
const OPTION = /(--?(?:password|passwd|pass|token|api-?key|secret)\s{1,8})([^\s"'-][^\s"']*)/g;

/** What each of the patterns needs: most texts have nothing of it, and one search is faster than all. */
const HINT =
  /-----BEGIN|\b(?:sk|gsk|xai|glpat|nvapi|pplx|tvly|whsec|shp(?:at|ss|ca)|sntrys|dop_v1|lin_api|xox[abeoprs]|pk|rk|hf|r8|pat|npm)[-_]|\b(?:gh[opsur]_|github_pat_|AIza|ya29\.|AKIA|ASIA|SG\.)|\d:AA|\bslack\.com\/|\bdiscord|\b(?:bearer|basic)\s|--?(?:pass|token|api|secret)|eyJ/i;

/**
 * A text without anything that looks like a key, a token, a password or a header with one. Linear in the length of the
 * text.
 *
 * @param names see {@link withoutNamedSecrets}
 */
export function withoutSecrets(
  text: string,
  replacement = REDACTED,
  names?: ReadonlySet<string>,
): string {
  // The shortest of the patterns.
  if (text.length < 5) return text;
  const put = () => replacement;
  let safe = withoutNamedSecrets(text, replacement, names);
  if (safe.includes('://'))
    safe = safe.replace(IN_URL, (...found) => urlWithout(found, replacement));
  if (!HINT.test(safe)) return safe;
  safe = safe
    .replace(BEARER, (all, scheme: string, blank: string, token: string) =>
      isToken(token) ? scheme + blank + replacement : all,
    )
    .replace(BASIC, (all, scheme: string, blank: string, credentials: string) =>
      isBasic(credentials) ? scheme + blank + replacement : all,
    )
    .replace(OPTION, (_all, option: string) => option + replacement);
  if (safe.includes('eyJ')) safe = safe.replace(TOKEN, put);
  for (const secret of SECRETS) safe = safe.replace(secret, put);
  return safe;
}

/** A token rather than a word of a sentence. */
function isToken(text: string): boolean {
  return text.length >= 20 || /[\d*]/.test(text) || /[a-z][A-Z]/.test(text);
}

/** Credentials are `user:password` in base64. */
function isBasic(text: string): boolean {
  return text.includes('*') || Buffer.from(text.slice(0, 400), 'base64').includes(':');
}

/** Keeps the user of a URL, unless it is as long as a token. */
function urlWithout([all, scheme, credentials]: unknown[], replacement: string): string {
  const [begin, userInfo] = [String(scheme), String(credentials)];
  const colon = userInfo.indexOf(':');
  if (colon >= 0) return `${begin}${userInfo.slice(0, colon)}:${replacement}@`;
  return userInfo.length >= 20 ? `${begin}${replacement}@` : String(all);
}
