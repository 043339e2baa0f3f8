import { setMaxListeners } from 'node:events';

/** The controller of a disconnect signal, which any number of runs may listen to. */
export function clientLeftController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(Infinity, controller.signal);
  return controller;
}
