import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CallbacksExceptionFilter } from 'nestjs-llm-callbacks';

@Module({
  providers: [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }],
})
export class HttpErrorsModule {}
