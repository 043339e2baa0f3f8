// An application of many providers starts, and Nest has nothing else to do.
import { startNest } from '../nest.mjs';
import { manyClasses } from './many-classes.mjs';

export function setUp({ classes }) {
  const providers = manyClasses(classes);
  let app;
  return {
    async run() {
      app = await startNest({ providers });
      return { started: 1 };
    },
    release() {
      providers.forEach((one) => app.get(one));
      return app.close();
    },
    close: () => undefined,
  };
}
