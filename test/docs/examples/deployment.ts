import {
  Controller,
  Get,
  Injectable,
  Logger,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { CallbacksModule, CallbacksService, CostLimiter } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { model } from './fake-model.js';

// #region main
export async function bootstrap(root: object, port: number) {
  const app = await NestFactory.create(root as never, { forceCloseConnections: true });
  app.enableShutdownHooks();
  await app.listen(port);
  return app;
}
// #endregion

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

// #region redis
@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: model,
      callbacks: [
        new CostLimiter({
          maxCost: 5,
          per: 'user',
          window: 'day',
          name: 'daily-budget', // the same in each replica
          store: new RedisLimitStore({ url, prefix: 'shop:limits:' }),
        }),
      ],
      background: {
        drainMs: 8_000, // below the grace period of the container
        queue: new BullmqJobQueue({ connection: url, prefix: 'shop:jobs' }),
      },
    }),
  ],
})
export class ProductionModule {}
// #endregion

// #region client
@Injectable()
export class RedisConnection implements OnApplicationShutdown {
  readonly client = new Redis(url);

  constructor() {
    // ioredis reconnects by itself; without a listener it writes to the console each time.
    this.client.on('error', (error: Error) => Logger.warn(error.message, 'Redis'));
  }

  async onApplicationShutdown() {
    await this.client.quit();
  }
}
// #endregion

// #region health
@Controller('health')
export class HealthController {
  constructor(private readonly callbacks: CallbacksService) {}

  @Get()
  health() {
    const { running, pending, dropped } = this.callbacks.background;
    return { status: 'ok', background: { running, pending, dropped } };
  }
}
// #endregion
