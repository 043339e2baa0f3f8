import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseInterceptors, type INestApplication, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  CacheInterceptor,
  CallbacksConfigurationError,
  CircuitBreakerInterceptor,
  FallbackInterceptor,
  RetryInterceptor,
  TimeoutInterceptor,
} from 'nestjs-llm-callbacks';
import { closeApps, compileApp, startApp, willClose } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

describe('An LLM interceptor registered as a Nest interceptor', () => {
  const PROBLEM =
    /intercepts LLM calls, tools or agents, not requests, .*list it under "providers"/;

  it.each<Type>([
    CacheInterceptor,
    TimeoutInterceptor,
    RetryInterceptor,
    CircuitBreakerInterceptor,
  ])('as a class is rejected at start-up: %p', async (type) => {
    @Controller()
    @UseInterceptors(type as Type<never>)
    class Routes {
      @Get() show() {}
    }
    const ofRoute = startApp({ controllers: [Routes] });
    await expect(ofRoute).rejects.toThrow(CallbacksConfigurationError);
    await expect(ofRoute).rejects.toThrow(PROBLEM);
    const provider = { provide: APP_INTERCEPTOR, useClass: type };
    await expect(startApp({ providers: [provider] })).rejects.toThrow(PROBLEM);
  });

  it('as a value of APP_INTERCEPTOR is rejected at start-up', async () => {
    const useValue = new FallbackInterceptor({ clients: ['default'] });
    const provider = { provide: APP_INTERCEPTOR, useValue };
    await expect(startApp({ providers: [provider] })).rejects.toThrow(PROBLEM);
  });

  it.each([
    { interceptor: new CacheInterceptor() },
    { interceptor: new TimeoutInterceptor() },
    { interceptor: new RetryInterceptor() },
    { interceptor: new CircuitBreakerInterceptor() },
    { interceptor: new FallbackInterceptor({ clients: ['default'] }) },
  ])(
    'as an instance fails each request with instructions: $interceptor.constructor.name',
    async ({ interceptor }) => {
      @Controller()
      class Routes {
        @Get() @UseInterceptors(interceptor as never) show() {}
      }
      const { module } = await compileApp({ controllers: [Routes] });
      const app: INestApplication = willClose(module.createNestApplication());
      await app.listen(0);
      expect((await fetch(await app.getUrl())).status).toBe(500);
      expect(logs.map(({ message }) => message).join()).toMatch(
        /nestjs-llm-callbacks intercepts LLM calls, not requests: take it out of @UseInterceptors\(\)/,
      );
    },
  );
});
