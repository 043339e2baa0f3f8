import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EventType } from '../events/event-map.js';
import type { Handler, Hook } from './handler.js';

/** The durable handlers of one application; the job queue's worker finds them by name. */
export class DurableHandlers {
  /** Unknown until the application starts. */
  #hasQueue: boolean | undefined;
  #isOpen = true;
  /** Handlers of clients and agents, which are not in the registry. */
  readonly #ofInstances = new Map<Hook, Handler>();

  /** @param known handlers that are already registered */
  checkStart(hasQueue: boolean, known: readonly Handler[]): void {
    this.#hasQueue = hasQueue;
    this.check([...known, ...this.#ofInstances.values()], () => known);
  }

  /** Jobs may arrive from now on: a handler registered later would be unknown in another process. */
  close(): void {
    this.#isOpen = false;
  }

  /** Rejects durable handlers that a worker cannot find, or whose names are not unique. */
  check(added: readonly Handler[], known: () => readonly Handler[]): void {
    const durable = added.filter(isDurable);
    if (durable.length === 0) return;
    if (this.#hasQueue === false) {
      throw new CallbacksConfigurationError(
        `${durable[0]!.name} has background: 'durable', but there is no job queue. Give one, as CallbacksModule.forRoot({ background: { queue: new BullmqJobQueue({ connection }) } }), or make it background: true.`,
      );
    }
    const all = [...durable, ...this.#all(known())];
    for (const handler of durable) {
      const other = all.find((one) => one.jobName === handler.jobName && !isSame(one, handler));
      if (other === undefined) continue;
      throw new CallbacksConfigurationError(
        `Two durable handlers are named "${handler.jobName}": ${handler.name} and ${other.name}. The job queue knows them by that name: give each its own, as in { background: 'durable', name: 'audit' }.`,
      );
    }
  }

  /** Checks durable handlers of callbacks passed to a client, an agent or a call. */
  checkAttached(handlers: readonly Handler[], to: 'instance' | 'call', known: readonly Handler[]) {
    const isKnown = ({ hook }: Handler) =>
      this.#ofInstances.has(hook) || known.some((one) => one.hook === hook);
    const unknown = handlers.filter((handler) => isDurable(handler) && !isKnown(handler));
    if (unknown.length === 0) return;
    if (to === 'call' || !this.#isOpen) {
      throw new CallbacksConfigurationError(
        `${unknown[0]!.name} has background: 'durable', but was given to ${to === 'call' ? 'a single call' : 'an agent that was made while the application ran'}, where no other process could find it. Make it a provider, or give it to forRoot or forFeature.`,
      );
    }
    this.check(unknown, () => known);
    for (const handler of unknown) this.#ofInstances.set(handler.hook, handler);
  }

  find(jobName: string, type: EventType, known: readonly Handler[]): Handler | undefined {
    const named = this.#all(known).filter((handler) => handler.jobName === jobName);
    return (
      named.find(({ selector }) => selector === type) ??
      named.find(({ selector }) => selector === '*')
    );
  }

  #all(known: readonly Handler[]): Handler[] {
    return [...known, ...this.#ofInstances.values()].filter(isDurable);
  }
}

function isDurable({ background }: Handler): boolean {
  return background === 'durable';
}

/** One method may handle several events. */
function isSame(a: Handler, b: Handler): boolean {
  return a.target === b.target && a.method === b.method;
}
