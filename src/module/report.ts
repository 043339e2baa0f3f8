import { Injectable } from '@nestjs/common';
import type { AgentReport } from '../agent/agent.js';
import { Application } from './application.js';
import type { Handler, HookSelector, InterceptorSelector } from '../handlers/handler.js';
import { BILLABLE_KINDS, type EventType } from '../events/event-map.js';
import { DESCRIBE_LIMITER, isLimiter, type LimiterReport } from '../limits/limiters.js';
import { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import type { HandlerTable } from '../handlers/handler-scope.js';
import { ToolRegistry, type ToolReport } from '../tools/tool-registry.js';

/** A client, as {@link CallbacksReport} shows it. */
export interface ClientReport {
  /** The name of its feature; `'default'` for the client of `forRoot`. */
  readonly name: string;
  /** The provider's own name. */
  readonly provider: string;
  /** The provider in events, errors and prices. */
  readonly label: string;
  /** The model of calls that do not set one. */
  readonly model: string;
  /** The model that embeds texts; absent if none is set. */
  readonly embeddingModel?: string;
}

/** A handler or an interceptor, as `CallbacksService.handlers()` shows it. */
export interface HandlerInfo {
  /** `Class.method`. */
  readonly name: string;
  /** The event that it handles, `'*'` for all; `'intercept.llm'` … of interceptors. */
  readonly event: HookSelector;
  /** The named clients that it is limited to. */
  readonly scopes: readonly string[] | undefined;
  readonly order: number;
  readonly critical: boolean;
}

/** A handler or an interceptor, as {@link CallbacksReport} shows it. */
export interface HandlerReport extends HandlerInfo {
  readonly background: boolean | 'durable';
  /** The clients and agents that it is attached to, as `'client support'`; empty for a global or scoped handler. */
  readonly instances: readonly string[];
}

/** A description of an application, as `CallbacksService.report()` returns it: plain JSON without keys or prompts. */
export interface CallbacksReport {
  /** The clients that have a model. */
  readonly clients: readonly ClientReport[];
  readonly limiters: readonly LimiterReport[];
  /** The agents created before the application was ready. */
  readonly agents: readonly AgentReport[];
  /** The methods with `@Tool()`. */
  readonly tools: readonly ToolReport[];
  /** By event, and by kind of interceptor, in call order; empty lists are omitted. */
  readonly handlers: Readonly<Partial<Record<EventType | InterceptorSelector, HandlerReport[]>>>;
}

/** A value of this name, because compilers import the types in decorated signatures. */
export const CallbacksReport: object = Object;

/** The public description of a handler. */
export function describeHandler(handler: Handler): HandlerInfo {
  const { name, selector, scopes, order, critical } = handler;
  return { name, event: selector, scopes, order, critical };
}

/** Describes an application. */
@Injectable()
export class Reporter {
  constructor(
    private readonly application: Application,
    private readonly registry: HandlerRegistry,
    private readonly tools: ToolRegistry,
    private readonly source: HandlerSource,
  ) {}

  report(): CallbacksReport {
    this.source.refresh();
    const { clients, agents } = this.application;
    const attached = [
      ...clients.map(({ name, callbacks }) => ({
        owner: `client ${name ?? 'default'}`,
        callbacks,
      })),
      ...agents.map((agent) => ({
        owner: `agent ${agent.name ?? 'without a name'}`,
        callbacks: agent.callbacks,
      })),
    ];
    const table = this.registry.survey(attached.flatMap(({ callbacks }) => callbacks));
    const ownersOf = (target: object) =>
      attached.filter(({ callbacks }) => callbacks.includes(target)).map(({ owner }) => owner);
    return {
      clients: clients.map(({ name = 'default', provider, label, model, embeddingModel }) => ({
        name,
        provider: provider.name,
        label,
        model,
        ...(embeddingModel !== undefined && { embeddingModel }),
      })),
      limiters: limitersIn(table),
      agents: agents.map((agent) => agent.describe()),
      tools: this.tools.describe(),
      handlers: handlersIn(table, ownersOf),
    };
  }

  /** {@link report} in one line, for the log. */
  summary(): string {
    const { clients, limiters, agents, tools, handlers } = this.report();
    const all = new Set(Object.values(handlers).flatMap((some) => some.map(({ name }) => name)));
    return [
      `clients: ${listed(clients.map(({ name, label, model }) => `${name} (${label}, ${model})`))}`,
      `limiters: ${listed(limiters.map(({ name }) => name))}`,
      `agents: ${listed(agents.map(({ name, tools: { length } }) => `${name} (${length} tools)`))}`,
      `tools: ${listed(tools.map(({ name }) => name))}`,
      `handlers: ${listed([...all])}`,
    ].join('; ');
  }
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function handlersIn(
  table: HandlerTable,
  ownersOf: (target: object) => string[],
): CallbacksReport['handlers'] {
  const found = Object.entries(table).map(([selector, handlers]) => [
    selector,
    handlers.map((handler) => ({
      ...describeHandler(handler),
      background: handler.background,
      instances: ownersOf(handler.target),
    })),
  ]);
  return Object.fromEntries(
    found.filter(([, handlers]) => handlers!.length > 0),
  ) as CallbacksReport['handlers'];
}

/** Each limiter once; a request-scoped limiter has no settings outside of a request. */
function limitersIn(table: HandlerTable): LimiterReport[] {
  const targets = new Set(
    BILLABLE_KINDS.flatMap((kind) => table[`intercept.${kind}`])
      .filter(({ instances }) => instances === undefined)
      .map(({ target }) => target),
  );
  const reports: LimiterReport[] = [];
  for (const target of targets) if (isLimiter(target)) reports.push(target[DESCRIBE_LIMITER]());
  return reports;
}
