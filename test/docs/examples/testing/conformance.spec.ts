import { describeProvider, serveProvider } from 'nestjs-llm-callbacks/testing';
import { LinesProvider } from '../http-provider.js';
import { lines } from './lines-wire.js';

describeProvider(
  (url) => new LinesProvider(url),
  () => serveProvider(lines),
  {
    title: 'LinesProvider',
    capabilities: { contextFree: true, tools: true, schema: true, images: true },
    streamErrors: true,
  },
);
