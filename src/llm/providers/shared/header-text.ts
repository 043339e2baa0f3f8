/** What a header's value may be made of; spaces and line breaks around it are left out when it is sent. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether a text can be sent in a header. Node's own error for one that cannot holds the text, be it a key. */
export function isHeaderText(value: string): boolean {
  return VALUE.test(value.trim());
}

/** Whether a value is a record of headers that can be sent. */
export function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, one]) => NAME.test(name) && typeof one === 'string' && isHeaderText(one),
  );
}
