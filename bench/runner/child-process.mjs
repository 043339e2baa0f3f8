import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LIMIT_MS = 120_000;

/** A process that answers one message after the other. */
export class ChildProcess {
  #child;
  #waiting;

  constructor(file, { env = {}, execArgv = [] } = {}) {
    // Nothing of the user's environment: no keys, no proxies, no NODE_OPTIONS.
    this.#child = fork(fileURLToPath(file), [], { env, execArgv });
    this.#child.on('message', (message) => this.#settle(message));
    this.#child.on('error', (error) => this.#settle({ error: error.message }));
    this.#child.on('exit', (code, signal) =>
      this.#settle({ error: `The process ended (${signal ?? code}).` }),
    );
  }

  /** Sends a message, if there is one, and waits for the answer to it. */
  ask(message) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle({ error: 'It took too long.' }), LIMIT_MS);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        if (answer.error) reject(new Error(answer.error));
        else resolve(answer);
      };
      if (this.#child.exitCode !== null) this.#settle({ error: 'The process has ended.' });
      else if (message !== undefined) this.#child.send(message);
    });
  }

  /** Lets it end by itself, and ends it when it does not. */
  async end() {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(timer);
  }

  #settle(answer) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }
}
