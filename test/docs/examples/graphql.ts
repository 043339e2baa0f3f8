import { APP_FILTER } from '@nestjs/core';
import type { Provider } from '@nestjs/common';
import { CallbacksExceptionFilter } from 'nestjs-llm-callbacks';

/** For GraphQLModule.forRoot(). */
export const graphqlOptions = {
  autoSchemaFile: true,
  fieldResolverEnhancers: ['interceptors', 'filters'] as const,
};

export const errorCodes: Provider = { provide: APP_FILTER, useClass: CallbacksExceptionFilter };
