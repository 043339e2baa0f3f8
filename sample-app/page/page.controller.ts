import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Controller,
  Get,
  Header,
  NotFoundException,
  Param,
  StreamableFile,
  type OnModuleInit,
} from '@nestjs/common';

/** Relative to the project folder, where npm and Nest start the desk: compiled code is elsewhere. */
const FOLDER = join('sample-app', 'page', 'static');

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'theme.css': 'text/css; charset=utf-8',
  'desk.css': 'text/css; charset=utf-8',
  'progress.css': 'text/css; charset=utf-8',
  'desk.mjs': 'text/javascript; charset=utf-8',
  'api.mjs': 'text/javascript; charset=utf-8',
  'progress-list.mjs': 'text/javascript; charset=utf-8',
};

/** Everything from this server and nothing inline, so that no text of a model or a customer can become code. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

@Controller()
export class PageController implements OnModuleInit {
  readonly #files = new Map<string, Buffer>();

  async onModuleInit(): Promise<void> {
    for (const name of Object.keys(TYPES)) {
      this.#files.set(name, await readFile(join(FOLDER, name)));
    }
  }

  @Get()
  @Header('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Referrer-Policy', 'no-referrer')
  page(): StreamableFile {
    return this.#send('index.html');
  }

  @Get('page/:file')
  @Header('X-Content-Type-Options', 'nosniff')
  file(@Param('file') name: string): StreamableFile {
    return this.#send(name);
  }

  #send(name: string): StreamableFile {
    const content = this.#files.get(name);
    const type = TYPES[name];
    if (!content || !type) throw new NotFoundException('The page has no such file.');
    return new StreamableFile(content, { type });
  }
}
