import { Module } from '@nestjs/common';
import { PageController } from './page.controller.js';

/** The page of the desk: files without a build step and without external resources. */
@Module({ controllers: [PageController] })
export class PageModule {}
