import { setMaxListeners } from 'node:events';

/** The signal of those who left, which any number of runs may listen to. */
export function clientLeftController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(Infinity, controller.signal);
  return controller;
}
