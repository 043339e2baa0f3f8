/** The workloads that were asked for, without what a smoke run does not need, and with other builds of the library. */
export function chosen(workloads, { only, smoke }, rivals) {
  const prefixes = only.split(',');
  const found = workloads.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  if (found.length === 0) throw new Error(`No workload begins with ${only}.`);
  return found.map((workload) => ({
    ...workload,
    contenders: contendersOf(workload, smoke, rivals),
  }));
}

/** Those of the workload, and each of ours once more for each other build. */
function contendersOf({ contenders }, smoke, rivals) {
  const needed = smoke ? contenders.filter(({ control }) => !control) : contenders;
  const own = contenders.filter(({ name }) => name.startsWith('ours'));
  const others = rivals.flatMap(([library]) =>
    own.map((one) => ({ ...one, library, name: `${one.name}: ${library}` })),
  );
  return [...needed, ...others];
}
