import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Injectable,
  Module,
  Scope,
  type CallHandler,
  type ModuleMetadata,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  CallbacksModule,
  CallbacksService,
  Chain,
  InjectLlm,
  LlmService,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';

afterEach(closeApps);

const llm = { provider: new FakeLlm(), model: 'fake' };

/** The warnings of an application at start-up. */
async function warningsOf({ imports = [], ...metadata }: ModuleMetadata): Promise<string[]> {
  const root = CallbacksModule.forRoot({ llm });
  const support = CallbacksModule.forFeature({ name: 'support' });
  const module = await Test.createTestingModule({
    imports: [root, support, ...imports],
    ...metadata,
  })
    .setLogger(testLogger)
    .compile();
  await willClose(module).init();
  return logs.map(({ message }) => message);
}

class Passing implements NestInterceptor {
  intercept(_host: unknown, next: CallHandler) {
    return next.handle();
  }
}

@Injectable()
class Plain extends Passing {}

@Injectable()
class Named extends Passing {
  constructor(private readonly callbacks: CallbacksService) {
    super();
  }
  override intercept(host: unknown, next: CallHandler) {
    return this.callbacks.run({ userId: 'ada' }, () => super.intercept(host, next));
  }
}

@Injectable()
class Classifier {
  constructor(@InjectLlm('support') readonly model: LlmService) {}
}

@Injectable()
class Sorting extends Passing {
  constructor(readonly classifier: Classifier) {
    super();
  }
}

@Injectable()
class Chained extends Passing {
  @Chain() work() {
    return 'done';
  }
}

@Injectable({ scope: Scope.REQUEST })
class Scoped extends Passing {
  constructor(readonly model: LlmService) {
    super();
  }
}

const global = (useClass: Type): Provider => ({ provide: APP_INTERCEPTOR, useClass });

describe('A global interceptor of the root module', () => {
  it.each([
    ['asks a model by another provider', Sorting],
    ['has a chain', Chained],
  ])('logs a warning when it %s', async (_what, interceptor) => {
    const warnings = await warningsOf({ providers: [Classifier, global(interceptor)] });
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(`^${interceptor.name} can start runs, but is called before the request context`),
      ),
    ]);
  });

  it.each([
    ['starts no runs', Plain],
    ['says who is asking', Named],
    ['is request-scoped, and so comes after all others', Scoped],
  ])('logs no warning when it %s', async (_what, interceptor) => {
    expect(await warningsOf({ providers: [Classifier, global(interceptor)] })).toEqual([]);
  });

  it('logs no warning in a module that is imported after CallbacksModule', async () => {
    @Module({ providers: [global(Chained)] })
    class Later {}

    expect(await warningsOf({ imports: [Later] })).toEqual([]);
  });
});

/** The metadata that `@ResolveField()` of `@nestjs/graphql` sets on a method. */
function ResolveField(): MethodDecorator {
  return (_target, _key, { value }: PropertyDescriptor) =>
    Reflect.defineMetadata('graphql:resolve_property', true, value as object);
}

@Injectable()
class Orders {
  constructor(readonly agent: AgentService) {}

  @ResolveField() summary() {
    return this.agent.run('Sum it up.');
  }
}

@Injectable()
class OrdersAgain extends Orders {}

@Injectable()
class Prices {
  @ResolveField() total() {
    return 1;
  }
}

describe('GraphQL field resolvers', () => {
  const graphql = (options: object): Provider => ({
    provide: 'GqlModuleOptions',
    useValue: options,
  });

  it.each([[{}], [{ fieldResolverEnhancers: ['guards'] }]])(
    'log a warning when they can start runs and have no interceptors: %j',
    async (options) => {
      const providers = [Orders, OrdersAgain, Prices, graphql(options)];
      expect(await warningsOf({ providers })).toEqual([
        "The runs of the @ResolveField() methods of Orders, OrdersAgain will have no request context, because field resolvers have no interceptors unless GraphQLModule says so: give it fieldResolverEnhancers: ['interceptors', 'filters'].",
      ]);
    },
  );

  it('log no warning with interceptors, without runs, or without GraphQL', async () => {
    const options = { fieldResolverEnhancers: ['interceptors', 'filters'] };
    expect(await warningsOf({ providers: [Orders, graphql(options)] })).toEqual([]);
    expect(await warningsOf({ providers: [Prices, graphql({})] })).toEqual([]);
    expect(await warningsOf({ providers: [Orders] })).toEqual([]);
  });
});
