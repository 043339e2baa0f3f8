import { styleText } from 'node:util';

const hasColors = process.stdout.isTTY && !process.env['NO_COLOR'];

export function dim(text: string): string {
  return hasColors ? styleText('dim', text) : text;
}

export function bold(text: string): string {
  return hasColors ? styleText('bold', text) : text;
}

/** A text in lines of at most 80 columns, indented like the lines of callbacks. */
export function wrap(text: string): string {
  const lines = text.match(/.{1,73}(?:\s|$)/g) ?? [text];
  return lines.map((line, index) => `     ${index === 0 ? '' : '  '}${line.trimEnd()}`).join('\n');
}
