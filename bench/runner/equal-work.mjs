import { isDeepStrictEqual } from 'node:util';

/** Everyone did all that was asked for, and the same as the first in all that it can count. */
export function checkWork(answers, { contenders, times, unitsEach, expected }) {
  const all = { ...answers[0].work, [expected]: times * unitsEach };
  answers.forEach(({ work }, i) => {
    const { name, knows } = contenders[i];
    const right = among(all, knows);
    if (isDeepStrictEqual(among(work, knows), right)) return;
    throw new Error(
      `"${name}" did other work: ${JSON.stringify(work)}, not ${JSON.stringify(right)}.`,
    );
  });
}

/** Some cannot count everything; what they know is named where they are listed. */
function among(work, knows) {
  if (knows === undefined) return work;
  return Object.fromEntries(knows.map((count) => [count, work[count]]));
}
