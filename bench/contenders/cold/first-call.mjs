// The first call of an application that has just started.
export async function setUp({ application, baseURL }) {
  const { start } = await import(`./application-${application}.mjs`);
  const { ask, close } = await start({ baseURL });
  return { run: () => ask(), close };
}
