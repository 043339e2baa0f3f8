/** A list nested to the given number of levels. */
export function nested(levels: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

/** The same as JSON, under the key `id` of an object. */
export function nestedText(levels: number): string {
  return `{"id":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

/** The number of levels of lists and objects, counted without recursion. */
export function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value].filter(isObject); level.length > 0; depth++)
    level = level.flatMap((one) => Object.values(one) as unknown[]).filter(isObject);
  return depth;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The given number of users and groups, each referring to all of the others. */
export function manyToMany(count: number): object {
  const users = Array.from({ length: count }, (_, id) => ({ id, groups: [] as object[] }));
  const groups = Array.from({ length: count }, (_, id) => ({ id, users: [] as object[] }));
  for (const user of users) user.groups = [...groups];
  for (const group of groups) group.users = [...users];
  return users;
}

/** A list of twice the same list of twice the same list …: 2^levels values when it is serialized. */
export function doubled(levels: number): unknown {
  let value: unknown = 'leaf';
  for (let i = 0; i < levels; i++) value = [value, value];
  return value;
}

/** A list with the given number of holes. */
export function holes(length: number): unknown[] {
  return Object.assign([] as unknown[], { length });
}
