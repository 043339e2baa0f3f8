let made = 0;

/**
 * `count` classes as alike as those of an application are different: each is a module of its own, because the engine
 * would take code that is shared for slower code than an application has.
 */
export async function chunkHookClasses(count, isAsync = false) {
  const file = isAsync ? './chunk-hook-async.mjs' : './chunk-hook.mjs';
  const modules = Array.from({ length: count }, () => import(`${file}?${made++}`));
  return (await Promise.all(modules)).map(({ ChunkHook }) => ChunkHook);
}

/** What was heard by all of them. */
export function heardBy(hooks) {
  return hooks.reduce((sum, { heard }) => sum + heard, 0);
}

export function resetAll(hooks) {
  for (const hook of hooks) hook.heard = hook.characters = 0;
}
