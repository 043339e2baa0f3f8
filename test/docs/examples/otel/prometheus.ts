import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Req,
  Res,
} from '@nestjs/common';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { CallbacksModule } from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { model } from '../fake-model.js';

// #region scrape
@Injectable()
export class Metrics implements OnApplicationShutdown {
  // Its own server is not needed: the application has one.
  readonly exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  readonly provider = new MeterProvider({ readers: [this.exporter] });

  onApplicationShutdown() {
    return this.provider.shutdown();
  }
}

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  scrape(@Req() request: IncomingMessage, @Res() response: ServerResponse) {
    this.metrics.exporter.getMetricsRequestHandler(request, response);
  }
}

@Module({ controllers: [MetricsController], providers: [Metrics], exports: [Metrics] })
export class MetricsModule {}

@Module({
  imports: [
    CallbacksModule.forRootAsync({
      imports: [MetricsModule],
      inject: [Metrics],
      useFactory: ({ provider }: Metrics) => ({
        llm: model,
        callbacks: [new OpenTelemetryCallbacks({ meterProvider: provider, traces: false })],
      }),
    }),
    MetricsModule,
  ],
})
export class AppModule {}
// #endregion
