import { kindOf, Log } from '../util/log.js';
import { isThenable } from '../util/promises.js';
import { REDACTOR_FAILED, type RedactionPlace, type Redactor } from './redactor.js';

/** How long failures are only counted after one was logged, in milliseconds. */
const QUIET_MS = 60_000;

/** A redactor of the application: if it fails, the content is dropped, because it may be secret. */
export class GuardedRedactor implements Redactor {
  readonly #logger = new Log('Callbacks');
  #loggedAt = -Infinity;
  #unlogged = 0;

  /** @param toJson makes plain JSON of any value; `undefined` if JSON cannot represent it */
  constructor(
    private readonly redactor: Redactor,
    private readonly toJson: (value: unknown) => unknown,
  ) {}

  redact(value: unknown, place: RedactionPlace): unknown {
    try {
      const redacted = this.redactor.redact(value, place);
      if (isThenable(redacted)) {
        // Its rejection must not end the process.
        Promise.resolve(redacted).catch(() => undefined);
        return this.#failed(place, 'it returned a promise');
      }
      const json = this.toJson(redacted);
      return json === undefined ? this.#failed(place, 'it returned no JSON') : json;
    } catch (error) {
      return this.#failed(place, `it threw ${kindOf(error)}`);
    }
  }

  /** Logs a failure, without its message, which may quote the content. */
  #failed(place: RedactionPlace, why: string): string {
    const now = performance.now();
    if (now - this.#loggedAt < QUIET_MS) this.#unlogged++;
    else {
      const more = this.#unlogged === 0 ? '' : `, ${this.#unlogged} times more since the last line`;
      this.#loggedAt = now;
      this.#unlogged = 0;
      this.#logger.error(
        `The redactor of forRoot failed, and the content is dropped: ${why} for "${place}"${more}. Further failures are logged once a minute.`,
      );
    }
    return REDACTOR_FAILED;
  }
}
