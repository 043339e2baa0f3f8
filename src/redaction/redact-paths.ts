/** Any key or index. */
const ANY: unique symbol = Symbol('*');

type PathPart = string | typeof ANY;

/** A place in paths: what follows it, by key. */
class PathNode {
  readonly next = new Map<PathPart, PathNode>();
  /** Whether a path ends here. */
  isEnd = false;
}

/** The places of several paths that a value is at. */
export type PathNodes = readonly PathNode[];

const NOWHERE: PathNodes = [];

/** The places of the paths that start at a value. */
export function toPathNodes(paths: readonly string[]): PathNodes {
  if (paths.length === 0) return NOWHERE;
  const root = new PathNode();
  for (const path of paths) addPath(root, parsePath(path) ?? []);
  return [root];
}

function addPath(root: PathNode, parts: readonly PathPart[]): void {
  let node = root;
  for (const part of parts) {
    const next = node.next.get(part) ?? new PathNode();
    node.next.set(part, next);
    node = next;
  }
  node.isEnd = true;
}

/** The places of a key's value. */
export function below(nodes: PathNodes, key: string): PathNodes {
  if (nodes.length === 0) return nodes;
  const found = nodes.flatMap(({ next }) => [next.get(key) ?? [], next.get(ANY) ?? []].flat());
  return found.length === 0 ? NOWHERE : found;
}

const PART = /\.?([^.[\]"'*/\s]+)|\.?(\*)|\[(\d+|\*)\]|\["([^"\\]+)"\]|\['([^'\\]+)'\]/y;

/** The parts of a path; `undefined` if it is none. */
export function parsePath(path: string): PathPart[] | undefined {
  const parts: PathPart[] = [];
  const rule = new RegExp(PART);
  // `$.a` is another notation, which means the same.
  if (path === '' || path.startsWith('.') || path.startsWith('$.')) return undefined;
  while (rule.lastIndex < path.length) {
    const isFirst = rule.lastIndex === 0;
    const isDot = path[rule.lastIndex] === '.';
    const found = rule.exec(path);
    if (found === null) return undefined;
    const [, name, star, index, double, single] = found;
    // A name after a bracket needs a dot: `a[0]b` is a mistake.
    if (!isFirst && !isDot && (name ?? star) !== undefined) return undefined;
    const part = name ?? star ?? index ?? double ?? single!;
    const isAny = part === '*' && double === undefined && single === undefined;
    parts.push(isAny ? ANY : part);
  }
  return parts;
}
