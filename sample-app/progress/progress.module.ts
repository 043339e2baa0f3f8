import { Module } from '@nestjs/common';
import { ProgressController } from './progress.controller.js';
import { ProgressFeed } from './progress-feed.js';

/** Live progress of requests, as server-sent events. */
@Module({ controllers: [ProgressController], providers: [ProgressFeed] })
export class ProgressModule {}
