/** Stands for a secret in a text. */
const REDACTED = '[redacted]';

/** Keys of providers and of other services, by the beginnings that these give them, also where they are masked in part. */
const KEYS = [
  /\b(?:sk|pk|rk|xai|gsk|hf|r8|glpat|pat|xox[abprs])[-_][\w*.-]{8,}/g,
  /\bgh[opsur]_\w{16,}/g,
  /\bAIza[\w-]{20,}/g,
  /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
];
/** Credentials of the header `Authorization`. */
const CREDENTIALS = /\b(bearer|basic)\s+[\w.~+/=*-]{6,}/gi;
/** `name: value` and `name=value`, also as JSON, of what holds a secret by its name. */
const NAMED =
  /\b((?:proxy-?)?authorization|(?:x-|anthropic-|openai-)?api[-_]?key|(?:access|refresh|id|auth)[-_]?token|client[-_]?secret|password|passwd|(?:set-)?cookie|private[-_]?key)(\\?["']?\s*[:=]\s*\\?["']?)(?:(?:bearer|basic)\s+)?[^\s"',;}\\]+/gi;
/** The password in a URL. */
const IN_URL = /(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s/:@"']{0,100}:)[^\s/@"']{1,200}@/gi;

/** A text without what looks like a key, a token, a password or the header that has one. */
export function withoutSecrets(text: string): string {
  let safe = text
    .replace(NAMED, `$1$2${REDACTED}`)
    .replace(CREDENTIALS, `$1 ${REDACTED}`)
    .replace(IN_URL, `$1${REDACTED}@`);
  for (const key of KEYS) safe = safe.replace(key, REDACTED);
  return safe;
}
