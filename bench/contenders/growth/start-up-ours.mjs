// The same application with the module, which finds the hooks of all providers.
import { innerProvider, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';
import { decoratedClasses } from './decorated-classes.mjs';
import { METHODS } from './many-classes.mjs';

export function setUp({ classes }) {
  const providers = decoratedClasses(classes);
  let app;
  return {
    async run() {
      app = await startApplication(
        { llm: { provider: new PiecesProvider(), model: 'pieces' } },
        providers,
      );
      return { started: 1 };
    },
    async release() {
      const found = innerProvider(app, 'HandlerRegistry').handlers().length;
      await app.close();
      const right = classes * Object.keys(METHODS).length;
      if (found !== right) throw new Error(`${found} of ${right} hooks were found.`);
    },
    close: () => undefined,
  };
}
