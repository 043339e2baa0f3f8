import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(import.meta.dirname, 'examples');

/** A fenced TypeScript block of a document, with the comment above it that names its example. */
const BLOCK = /(?:<!-- example: (?<example>\S+) -->\n\n)?```ts\n(?<code>[\s\S]*?)```/g;

export interface Block {
  /** `file.ts`, or `file.ts#region`; undefined without a comment above the block. */
  readonly example: string | undefined;
  readonly code: string;
}

export function readDocument(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

export function blocksOf(document: string): Block[] {
  return [...readDocument(document).matchAll(BLOCK)].map(({ groups }) => ({
    example: groups?.['example'],
    code: groups?.['code'] ?? '',
  }));
}

/** The code of an example: a whole file, or one of its regions. */
export function codeOf(example: string): string {
  const [file = '', region] = example.split('#');
  const source = readFileSync(join(EXAMPLES, file), 'utf8');
  if (region === undefined) return source;
  const [, code] = new RegExp(`// #region ${region}\n([\\s\\S]*?)// #endregion`).exec(source) ?? [];
  if (code === undefined) throw new Error(`${file} has no region "${region}".`);
  return code;
}

/** All examples: the regions of files with regions, and all other files. */
export function examples(): string[] {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('fake-model.ts'))
    .flatMap((path) => {
      const file = path.replaceAll('\\', '/');
      const regions = readFileSync(join(EXAMPLES, path), 'utf8').matchAll(/\/\/ #region (\S+)/g);
      const named = [...regions].map(([, region]) => `${file}#${region}`);
      return named.length > 0 ? named : [file];
    });
}

/** Writes every example into its block. */
export function updateDocument(document: string): void {
  const updated = readDocument(document).replaceAll(BLOCK, (block: string, example?: string) =>
    example === undefined
      ? block
      : `<!-- example: ${example} -->\n\n\`\`\`ts\n${codeOf(example)}\`\`\``,
  );
  writeFileSync(join(ROOT, document), updated);
}
