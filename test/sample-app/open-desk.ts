import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksService, type CallbackEvent } from 'nestjs-llm-callbacks';
import { AppModule } from '../../sample-app/app.module.js';
import { LimitStorage } from '../../sample-app/limits/limit-storage.js';
import { ModelConnections } from '../../sample-app/models/model-connections.js';
import { DeskTelemetry } from '../../sample-app/telemetry/desk-telemetry.js';

export const ADA = { 'x-user-id': 'ada' };

/** The sample app, listening, with helpers to call it. */
export class Desk {
  private constructor(
    readonly app: INestApplication,
    readonly models: ModelConnections,
    readonly url: string,
  ) {}

  static async open(
    limits = LimitStorage.open({}),
    telemetry = DeskTelemetry.local(),
  ): Promise<Desk> {
    // No environment: both providers are the mock, whatever keys the machine has.
    const models = await ModelConnections.open({});
    const app = await NestFactory.create(AppModule.connectedBy(models, limits, telemetry), {
      logger: false,
      forceCloseConnections: true,
    });
    return Desk.of(app, models);
  }

  /** The desk of an application that does not listen yet. */
  static async of(app: INestApplication, models: ModelConnections): Promise<Desk> {
    await app.listen(0, '127.0.0.1');
    return new Desk(app, models, await app.getUrl());
  }

  close(): Promise<void> {
    return this.app.close();
  }

  fetch(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers });
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.fetch(path)).json()) as T;
  }

  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    return this.send('POST', path, body, headers);
  }

  send(
    method: string,
    path: string,
    body: object,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** The events that callbacks receive from now on. */
  record(): CallbackEvent[] {
    const events: CallbackEvent[] = [];
    this.app.get(CallbacksService).on('*', (event) => void events.push(event));
    return events;
  }
}
