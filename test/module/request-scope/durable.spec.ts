import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { LlmService, OnLlmEnd } from 'nestjs-llm-callbacks';
import { closeApps } from '../../support/app.js';
import { platforms, serve, Visit, type HttpRequest } from './support.js';

/** One context per tenant for durable providers, by the header that other tests use for the user. */
class ByTenant implements ContextIdStrategy<HttpRequest> {
  readonly #contexts = new Map<string, ContextId>();

  attach(contextId: ContextId, { headers }: HttpRequest) {
    const tenant = headers['x-user']!;
    let context = this.#contexts.get(tenant);
    if (context === undefined) {
      context = ContextIdFactory.create();
      this.#contexts.set(tenant, context);
    }
    return {
      resolve: ({ isTreeDurable }: HostComponentInfo) => (isTreeDurable ? context : contextId),
      payload: { tenant },
    };
  }
}

let received: Tenant[];
let visited: (Visit | Tenant)[];
beforeEach(() => {
  received = [];
  visited = [];
  ContextIdFactory.apply(new ByTenant());
});
afterEach(closeApps);
afterAll(() => ContextIdFactory.apply(undefined as never));

@Injectable({ scope: Scope.REQUEST, durable: true })
class Tenant {
  constructor(@Inject(REQUEST) readonly request: { tenant: string }) {}
  @OnLlmEnd() end() {
    received.push(this);
  }
}

@Injectable()
class VisitHooks {
  constructor(
    readonly visit: Visit,
    readonly tenant: Tenant,
  ) {}
  @OnLlmEnd() end() {
    visited.push(this.visit, this.tenant);
  }
}

@Controller()
class StaticDesk {
  constructor(private readonly llm: LlmService) {}
  @Get() async ask() {
    return (await this.llm.generate('hi')).text;
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedDesk extends StaticDesk {
  constructor(llm: LlmService, visit: Visit, tenant: Tenant) {
    super(llm);
    visited.push(visit, tenant);
  }
}

@Controller({ scope: Scope.REQUEST, durable: true })
class DurableDesk extends StaticDesk {
  constructor(
    llm: LlmService,
    readonly tenant: Tenant,
  ) {
    super(llm);
    visited.push(tenant);
  }
}

describe.each(platforms)('A durable provider with handlers on %s', (platform) => {
  it('has one instance per tenant, whose payload is its REQUEST', async () => {
    const { ask } = await serve(platform, { providers: [Tenant], controllers: [StaticDesk] });
    for (const tenant of ['acme', 'byte', 'acme']) await ask('', tenant);
    expect(received.map(({ request }) => request.tenant)).toEqual(['acme', 'byte', 'acme']);
    expect(received[2]).toBe(received[0]);
    expect(received[1]).not.toBe(received[0]);
  });

  it('is the instance that a durable controller has', async () => {
    const { ask } = await serve(platform, { providers: [Tenant], controllers: [DurableDesk] });
    for (const tenant of ['acme', 'byte', 'acme']) await ask('', tenant);
    expect(new Set(received)).toEqual(new Set(visited));
    expect(visited).toHaveLength(2);
  });

  it('is shared by request-scoped providers', async () => {
    const { ask } = await serve(platform, {
      providers: [Tenant, Visit, VisitHooks],
      controllers: [ScopedDesk],
    });
    await ask('', 'acme');
    await ask('', 'acme');
    const [visit, tenant, sameVisit, sameTenant, other] = visited;
    expect([sameVisit, sameTenant]).toEqual([visit, tenant]);
    expect(sameVisit).toBe(visit);
    expect(other).not.toBe(visit);
    expect(new Set([...received, ...visited.filter((one) => one instanceof Tenant)])).toEqual(
      new Set([tenant]),
    );
  });
});
