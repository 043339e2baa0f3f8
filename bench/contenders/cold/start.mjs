// From before the first import to an application that is ready. Nothing of it may be loaded before, so that this file
// imports nothing.
export function setUp({ application, baseURL }) {
  let started;
  return {
    async run() {
      const { start } = await import(`./application-${application}.mjs`);
      started = await start({ baseURL });
      return { started: 1 };
    },
    release() {
      started.check();
      return started.close();
    },
    close: () => undefined,
  };
}
