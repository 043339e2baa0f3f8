import { Injectable } from '@nestjs/common';
import type {
  EventSelector,
  HandlerContext,
  HandlerOptions,
  SelectedEvent,
} from './events/index.js';
import {
  functionHook,
  HandlerRegistry,
  type HandlerFunction,
  type Remove,
} from './registry/index.js';
import { RunFactory, type RunContext } from './run/index.js';

/** A handler, as {@link CallbacksService.handlers} shows it. */
export interface HandlerInfo {
  /** `Class.method`. */
  readonly name: string;
  /** The event that it hears, `'*'` for all. */
  readonly event: EventSelector;
  /** The named clients that it is limited to. */
  readonly scopes: readonly string[] | undefined;
  readonly order: number;
  readonly critical: boolean;
}

/** Registers callbacks while the application runs, and sets the context of runs. */
@Injectable()
export class CallbacksService {
  constructor(
    private readonly registry: HandlerRegistry,
    private readonly runs: RunFactory,
  ) {}

  /**
   * Runs `work` with a user, a tenant, tags or metadata for everything inside. Nested contexts merge: tags and metadata
   * add up, the inner user and tenant win.
   *
   * @example
   * ```ts
   * await callbacks.run({ userId: job.userId, tags: ['nightly'] }, () => this.llm.generate(job.prompt));
   * ```
   */
  run<R>(context: RunContext, work: () => R): R {
    return this.runs.run(context, work);
  }

  /**
   * Adds callback objects to the global circle.
   *
   * @returns takes them back, from runs that are under way too
   * @throws CallbacksConfigurationError for an object that hears nothing
   */
  add(...callbacks: object[]): Remove {
    return this.registry.addObjects(callbacks);
  }

  /**
   * Adds a function that hears one type of event, or `'*'` for all.
   *
   * @example
   * ```ts
   * const remove = callbacks.on('llm.end', (event) => console.log(event.cost), { scope: 'support' });
   * ```
   */
  on<S extends EventSelector>(
    selector: S,
    handler: (event: SelectedEvent<S>, context: HandlerContext) => unknown,
    options: HandlerOptions<SelectedEvent<S>> = {},
  ): Remove {
    return this.registry.add([functionHook(selector, handler as HandlerFunction, options)]);
  }

  /**
   * Replaces the global callbacks that were set before, and those of `forRoot({ callbacks })`; discovered ones stay.
   * They are called before discovered ones.
   */
  setGlobalCallbacks(callbacks: object[]): void {
    this.registry.setListed(callbacks);
  }

  /** All handlers but those of instances and calls. */
  handlers(): HandlerInfo[] {
    return this.registry.handlers().map(({ name, selector, scopes, order, critical }) => ({
      name,
      event: selector,
      scopes,
      order,
      critical,
    }));
  }
}
