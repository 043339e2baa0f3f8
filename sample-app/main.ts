import { NestFactory } from '@nestjs/core';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { AppModule } from './app.module.js';
import { LimitStorage } from './limits/limit-storage.js';
import { ModelConnections } from './models/model-connections.js';
import { portOf } from './port.js';
import { DeskTelemetry } from './telemetry/desk-telemetry.js';
import { DeskLogger } from './terminal/desk-logger.js';
import { Tour } from './terminal/tour.js';
import { welcome } from './terminal/welcome.js';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const port = portOf(process.env['PORT']);
  const models = await ModelConnections.open();
  const limits = LimitStorage.open();
  const telemetry = await DeskTelemetry.open();
  const app = await NestFactory.create(AppModule.connectedBy(models, limits, telemetry), {
    logger: new DeskLogger({ logLevels: ['log', 'warn', 'error', 'fatal'] }),
    // Open streams would otherwise keep the server open.
    forceCloseConnections: true,
  });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  const url = await app.getUrl();

  print(`\n${models.describe()}`);
  print(await limits.describe());
  const exporting = telemetry.describe();
  if (exporting !== undefined) print(exporting);
  print('Below each request: which callback heard which event, and what it made of it.\n');
  await new Tour(url, app.get(CallbacksService), print)
    .play()
    .catch((error: unknown) => print(`     The tour ended early: ${String(error)}\n`));
  print(welcome(url));
}

function reasonOf(error: unknown): string {
  const { code, port } = error as { code?: string; port?: number };
  return code === 'EADDRINUSE'
    ? `port ${port} is in use. Set PORT to another one, or to 0 for any free one.`
    : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`The desk cannot open: ${reasonOf(error)}\n`);
  process.exit(1);
});
