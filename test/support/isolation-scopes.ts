import { AsyncLocalStorage } from 'node:async_hooks';

/** A report of an error, with what its scope holds. */
export interface Captured {
  readonly message: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly user: { readonly id?: string | undefined } | undefined;
}

class IsolationScope {
  tags: Record<string, string> = {};
  user: Captured['user'];

  setTag(name: string, value: string): void {
    this.tags[name] = value;
  }

  setUser(user: Captured['user']): void {
    this.user = user;
  }

  clone(): IsolationScope {
    return Object.assign(new IsolationScope(), { tags: { ...this.tags }, user: this.user });
  }
}

/** What the recipe uses of an error tracker whose scopes live in an AsyncLocalStorage. */
export class ScopeSdk {
  readonly captured: Captured[] = [];
  readonly #scopes = new AsyncLocalStorage<IsolationScope>();
  readonly #global = new IsolationScope();

  /** Calls work in a copy of the current scope. */
  withIsolationScope<T>(work: (scope: IsolationScope) => T): T {
    const scope = (this.#scopes.getStore() ?? this.#global).clone();
    return this.#scopes.run(scope, () => work(scope));
  }

  captureException(error: unknown): void {
    const { tags, user } = this.#scopes.getStore() ?? this.#global;
    this.captured.push({ message: String(error), tags: { ...tags }, user });
  }
}

/** The tracker of a process, as the packages of trackers have it. */
export const Sentry = new ScopeSdk();
