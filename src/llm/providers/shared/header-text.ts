/** The valid characters of a header's value; surrounding spaces and line breaks are removed when it is sent. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Whether a text can be sent in a header. Node's own error for an invalid text includes the text, which may be a key.
 */
export function isHeaderText(value: string): boolean {
  return VALUE.test(value.trim());
}

/** Whether a value is a record of valid headers. */
export function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, one]) => NAME.test(name) && typeof one === 'string' && isHeaderText(one),
  );
}
