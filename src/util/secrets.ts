/** Replaces a secret in a text. */
const REDACTED = '[redacted]';

/** Keys of providers and other services, by their prefixes, also if partly masked. */
const KEYS = [
  /\b(?:sk|pk|rk|xai|gsk|hf|r8|glpat|pat|xox[abprs])[-_][\w*.-]{8,}/g,
  /\bgh[opsur]_\w{16,}/g,
  /\bAIza[\w-]{20,}/g,
  /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
];
/** Credentials of the header `Authorization`. */
const CREDENTIALS = /\b(bearer|basic)\s+[\w.~+/=*-]{6,}/gi;
/** `name: value` and `name=value`, also as JSON, for names that indicate a secret. */
const NAMED =
  /\b((?:proxy-?)?authorization|(?:x-|anthropic-|openai-)?api[-_]?key|(?:access|refresh|id|auth)[-_]?token|client[-_]?secret|password|passwd|(?:set-)?cookie|private[-_]?key)(\\?["']?\s*[:=]\s*\\?["']?)(?:(?:bearer|basic)\s+)?[^\s"',;}\\]+/gi;
/** The password in a URL. */
const IN_URL = /(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s/:@"']{0,100}:)[^\s/@"']{1,200}@/gi;

/** A text without anything that looks like a key, a token, a password or a header with one. */
export function withoutSecrets(text: string): string {
  let safe = text
    .replace(NAMED, `$1$2${REDACTED}`)
    .replace(CREDENTIALS, `$1 ${REDACTED}`)
    .replace(IN_URL, `$1${REDACTED}@`);
  for (const key of KEYS) safe = safe.replace(key, REDACTED);
  return safe;
}
