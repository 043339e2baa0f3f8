import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { ROOT } from './blocks.js';

const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const read = (file: string) => readFileSync(join(ROOT, 'src', file), 'utf8');

it('No line of a JSDoc example begins with a decorator, which editors read as a tag', () => {
  const lines = files.flatMap((file) =>
    [...read(file).matchAll(/^\s*\*\s+(@[A-Z]\w*)/gm)].map(([, tag]) => `${file}: ${tag}`),
  );
  expect(lines).toEqual([]);
});

it('Every option, and every field of requests and answers, has JSDoc', () => {
  const described = files.filter((file) => /options\.ts$|^types\//.test(file));
  expect(described.length).toBeGreaterThan(10);
  expect(described.flatMap((file) => fieldsWithout(file))).toEqual([]);
});

function fieldsWithout(file: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .flatMap(({ name, members }) =>
      members
        .filter((member) => ts.getJSDocCommentsAndTags(member).length === 0)
        .map((member) => `${file}: ${name.text}.${member.name?.getText()}`),
    );
}
