import { toSafeJson } from '../events/serialize.js';
import { ContentRedactor } from '../redaction/content-redactor.js';
import { GuardedRedactor } from '../redaction/guarded-redactor.js';
import { isRedactor, type RedactOptions } from '../redaction/redact-options.js';
import { NO_REDACTION, type Redactor } from '../redaction/redactor.js';

/** The redactor of an application, from checked options. */
export function toRedactor(redact: false | RedactOptions | Redactor | undefined): Redactor {
  if (redact === false) return NO_REDACTION;
  return isRedactor(redact) ? new GuardedRedactor(redact, toSafeJson) : new ContentRedactor(redact);
}
