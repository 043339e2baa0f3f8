import { afterEach, describe, expect, it } from '@jest/globals';
import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type ExceptionFilter,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { CallbacksConfigurationError, Chain, Tool } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

const guard: CanActivate = { canActivate: () => false };
const interceptor: NestInterceptor = { intercept: (_context, next) => next.handle() };
const pipe: PipeTransform = { transform: (value: unknown) => value };
const filter: ExceptionFilter = { catch: () => undefined };
const description = 'Pays.';
const Guarded = () => applyDecorators(UseGuards(guard), Tool({ description }));

class OnGuard {
  @Tool({ description }) @UseGuards(guard) pay() {}
}
class AboveChain {
  @UseGuards(guard) @Chain() @Tool({ description }) pay() {}
}
class BelowChain {
  @Chain() @UseGuards(guard) @Tool({ description }) pay() {}
}
class OnPipe {
  @Tool({ description }) @UsePipes(pipe) pay() {}
}
class OnInterceptor {
  @Tool({ description }) @UseInterceptors(interceptor) pay() {}
}
class Composed {
  @Guarded() pay() {}
}
class Inherited extends OnGuard {}
@UseGuards(guard)
class OnClass {
  @Tool({ description }) pay() {}
}
class OnBaseClass extends OnClass {}
@Injectable({ scope: Scope.REQUEST })
class Scoped extends OnGuard {}
@Controller()
class OnRoute {
  @Get() @Tool({ description }) @UseGuards(guard) pay() {}
}

describe('Guards, pipes and interceptors of Nest, which do not run for tools:', () => {
  it.each<[new () => object, string]>([
    [OnGuard, '@UseGuards() on it'],
    [AboveChain, '@UseGuards() on it'],
    [BelowChain, '@UseGuards() on it'],
    [OnPipe, '@UsePipes() on it'],
    [OnInterceptor, '@UseInterceptors() on it'],
    [Composed, '@UseGuards() on it'],
    [Inherited, '@UseGuards() on it'],
    [Scoped, '@UseGuards() on it'],
    [OnRoute, '@UseGuards() on it'],
    [OnClass, '@UseGuards() on its class'],
    [OnBaseClass, '@UseGuards() on its class'],
  ])('a tool of %p is rejected at start-up', async (type, what) => {
    const starting = startApp({ providers: [type] });
    await expect(starting).rejects.toThrow(CallbacksConfigurationError);
    await expect(starting).rejects.toThrow(
      `The tool ${type.name}.pay has ${what}, which would not run`,
    );
  });

  it('a class that has routes or message handlers logs a warning', async () => {
    @Controller('a')
    @UseGuards(guard)
    class Routes {
      @Get() show() {}
      @Tool({ description }) pay() {}
    }
    @Controller()
    @UsePipes(pipe)
    class Messages {
      @MessagePattern('x') show() {}
      @Tool({ description }) refund() {}
    }
    await startApp({ controllers: [Routes, Messages] });
    expect(logs.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^@UseGuards\(\) of Routes do not run .* the tool Routes\.pay/),
      expect.stringMatching(/^@UsePipes\(\) of Messages do not run .* the tool Messages\.refund/),
    ]);
  });

  it('exception filters log a warning', async () => {
    class Filtered {
      @Tool({ description }) @UseFilters(filter) pay() {}
    }
    await startApp({ providers: [Filtered] });
    expect(logs).toMatchObject([
      {
        level: 'warn',
        message: expect.stringMatching(/^@UseFilters\(\) .*Filtered\.pay/) as never,
      },
    ]);
  });

  it('a guard on another method, or on an overridden one, is accepted', async () => {
    @Controller()
    class Beside {
      @Get() @UseGuards(guard) show() {}
      @Tool({ description }) pay() {}
    }
    class Overrides extends OnGuard {
      @Tool({ description }) override pay() {}
    }
    await startApp({ controllers: [Beside] });
    await startApp({ providers: [Overrides] });
    expect(logs).toEqual([]);
  });
});
