import { describe, expect, it } from '@jest/globals';
import { ContentRedactor } from '../../src/redaction/content-redactor.js';
import type { RedactOptions } from '../../src/redaction/redact-options.js';

const R = '[redacted]';

function redacted(value: unknown, options?: RedactOptions): unknown {
  return new ContentRedactor(options).redact(value);
}

/** The JSON in a redacted text of JSON. */
function redactedText(value: unknown, options?: RedactOptions): unknown {
  return JSON.parse(redacted(JSON.stringify(value), options) as string) as unknown;
}

describe('The keys of secrets', () => {
  it.each([
    'authorization',
    'Proxy-Authorization',
    'api_key',
    'apiKey',
    'X-API-Key',
    'PASSWORD',
    'passwd',
    'secret',
    'client_secret',
    'token',
    'accessToken',
    'refresh-token',
    'id_token',
    'Cookie',
    'Set-Cookie',
    'private_key',
  ])('have %s among them', (key) => {
    expect(redacted({ a: [{ [key]: 'abc' }] })).toEqual({ a: [{ [key]: R }] });
  });

  it('are compared whole', () => {
    const value = { tokens: 'a', passwordHint: 'b', secretary: 'c', cookies: 'd', tokenCount: 3 };
    expect(redacted(value)).toBe(value);
  });

  it('replace texts, lists and objects, but no numbers and nothing that is true, false or null', () => {
    const value = { token: 7, password: true, secret: null, cookie: '' };
    expect(redacted(value)).toEqual({ ...value, cookie: R });
    expect(redacted({ token: { pin: 7 }, cookie: ['a=b'] })).toEqual({ token: R, cookie: R });
  });

  it('can be added', () => {
    const value = { IBAN: 'a', password: 'b', other: 'c' };
    const expected = { IBAN: R, password: R, other: 'c' };
    expect(redacted(value, { keys: ['i-ban'] })).toEqual(expected);
  });

  it('count in pairs of headers', () => {
    const pairs = [
      ['Authorization', 'abc'],
      ['accept', 'json'],
    ];
    expect(redacted({ headers: pairs })).toEqual({
      headers: [
        ['Authorization', R],
        ['accept', 'json'],
      ],
    });
    expect(redacted([{ name: 'Cookie', value: 'a' }])).toEqual([{ name: 'Cookie', value: R }]);
    expect(redacted({ value: 'a', key: 'x-api-key' })).toEqual({ value: R, key: 'x-api-key' });
    expect(redacted({ Name: 'token', Value: 'a' })).toEqual({ Name: 'token', Value: R });
    expect(redacted({ rawHeaders: ['Host', 'a', 'Cookie', 'b'] })).toEqual({
      rawHeaders: ['Host', 'a', 'Cookie', R],
    });
  });

  it('do not count in other lists', () => {
    const value = { required: ['password', 'email'], tags: ['token', 'reset'] };
    expect(redacted(value)).toBe(value);
  });
});

describe('Text that is JSON', () => {
  it('is redacted as JSON, and stays JSON', () => {
    const value = { user: 'ada', password: 'cor"rect h\\orse', n: [1, { token: { a: 1 } }] };
    const expected = { user: 'ada', password: R, n: [1, { token: R }] };
    expect(redactedText(value)).toEqual(expected);
    expect(redactedText([value])).toEqual([expected]);
    expect(redacted({ argsText: JSON.stringify(value) })).toEqual({
      argsText: JSON.stringify(expected),
    });
  });

  it('is found in JSON, several levels deep', () => {
    const inner = JSON.stringify({ password: 'x y', at: 1 });
    const outer = { body: JSON.stringify({ body: inner }) };
    const { body } = redactedText(outer) as { body: string };
    const { body: found } = JSON.parse(body) as { body: string };
    expect(JSON.parse(found)).toEqual({ password: R, at: 1 });
  });

  it('keeps its numbers as they are written', () => {
    const text = '{"id":12345678901234567890,"price":1.0,"small":-0,"token":1e3,"password":"x"}';
    expect(redacted(text)).toBe(text.replace('"x"', `"${R}"`));
  });

  it('is unchanged if nothing in it is secret', () => {
    const text = '{ "id": 12345678901234567890, "a": [ 1.0 ] }';
    expect(redacted(text)).toBe(text);
  });

  it('has no secret in the first of two fields of one name', () => {
    const text = redacted('{"password":"first","password":5,"a":1}') as string;
    expect(text).not.toContain('first');
    expect(JSON.parse(text)).toEqual({ password: 5, a: 1 });
  });

  it('has no secret behind escapes', () => {
    const text = redacted(String.raw`{"pass\u0077ord":"first","\u0061piKey":"second"}`) as string;
    expect(Object.values(JSON.parse(text) as object)).toEqual([R, R]);
  });

  it('is redacted if it was cut, escaped or is part of a sentence', () => {
    expect(redacted('{"a":1,"password":"x y')).toBe(`{"a":1,"password":"${R}`);
    expect(redacted('It says: {"token": {"a": "x y"}, "b": 1}.')).toBe(
      `It says: {"token": ${R}, "b": 1}.`,
    );
    const inside = JSON.stringify({ body: JSON.stringify({ secret: 'x "y" z', b: 1 }) });
    const cut = redacted(inside.slice(0, -1)) as string;
    expect(cut).not.toMatch(/[xz]/);
    expect(cut).toContain(String.raw`\"b\":1`);
  });
});

describe('Texts', () => {
  const key = 'sk-proj-abcdef1234567890';

  it.each([
    [`Use ${key} now`, `Use ${R} now`],
    ['GET /v1?api_key=abc&n=1#x', `GET /v1?api_key=${R}&n=1#x`],
    ['https://h/x?sig=a%2Fb&se=2', `https://h/x?sig=${R}&se=2`],
    ['https://ada:p@ss:w@db.host:5432/x', `https://ada:${R}@db.host:5432/x`],
    ['postgres://:abc@host/db', `postgres://:${R}@host/db`],
    ['https://0123456789abcdef0123@h/', `https://${R}@h/`],
    ['https://ada@h/', 'https://ada@h/'],
    ['Server=h;User Id=sa;Password=a,b!c;Encrypt=1', `Server=h;User Id=sa;Password=${R};Encrypt=1`],
    ['AccountName=a;AccountKey=abc==;X=y', `AccountName=a;AccountKey=${R};X=y`],
    ['sent Bearer abc123.def', `sent Bearer ${R}`],
    ['sent basic YWRhOmh1bnRlcg==', `sent basic ${R}`],
    [
      'a basic introduction for the bearer responsible',
      'a basic introduction for the bearer responsible',
    ],
    ['authorization: Token abc', `authorization: ${R}`],
    [
      'Authorization: Digest username="a b", response="x", qop=auth\nHost: h',
      `Authorization: ${R}\nHost: h`,
    ],
    ['Cookie: sid=abc; csrf=def\nHost: h', `Cookie: ${R}\nHost: h`],
    ['OPENAI_API_KEY=abc node x', `OPENAI_API_KEY=${R} node x`],
    ['aws_secret_access_key = abc/def+1', `aws_secret_access_key = ${R}`],
    ['AKIAIOSFODNN7EXAMPLE', R],
    ['eyJhbGciOiJI.eyJzdWIiOiIx.abc-def', R],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- x', `${R} x`],
    ['-----BEGIN PRIVATE KEY-----\nabc', R],
    ["{'password': 'x y', 'a': 1}", `{'password': '${R}', 'a': 1}`],
    ['psql --password hunter2 -h x', `psql --password ${R} -h x`],
    ['pk_order_items and hf_datasets', 'pk_order_items and hf_datasets'],
    ['npm_0123456789abcdef', R],
    ['max_tokens=5, usage: 3 tokens: a', 'max_tokens=5, usage: 3 tokens: a'],
    ['apiKey: undefined', 'apiKey: undefined'],
  ])('%j becomes %j', (text, expected) => {
    expect(redacted(text)).toBe(expected);
    // Once more changes nothing.
    expect(redacted(expected)).toBe(expected);
  });

  it('are keys of objects, too', () => {
    expect(redacted({ sessions: { [key]: 1, [`${key}x`]: 2 } })).toEqual({
      sessions: { [R]: 1, [`${R} 1`]: 2 },
    });
  });

  it('are redacted by own patterns, all matches, whatever the flags', () => {
    const patterns = [/DE\d{4}/, /ada/gi, /x+/y];
    const expected = `${R} ${R} and ${R} xx`.replace('xx', R);
    expect(redacted('DE1234 DE5678 and Ada xx', { patterns })).toBe(expected);
    expect(redacted('DE1234 DE5678 and Ada xx', { patterns })).toBe(expected);
  });

  it('are replaced by the own replacement, as it is', () => {
    const options = { replacement: '$& <gone>' };
    expect(redacted({ token: 'a', b: `x ${key}` }, options)).toEqual({
      token: '$& <gone>',
      b: 'x $& <gone>',
    });
    const once = redacted('password: abc', options);
    expect(redacted(once, options)).toBe(once);
  });
});

describe('Paths', () => {
  const value = {
    input: { customer: { iban: 'a', name: 'b', count: 3 } },
    a: [{ b: 'c', 'd.e': 'f' }, { b: ['g'] }],
    argsText: '{"iban":"a","items":[{"sku":"b"}]}',
  };

  it.each([
    ['input.customer.iban', { input: { customer: { ...value.input.customer, iban: R } } }],
    ['input.customer', { input: { customer: R } }],
    ['input.*.iban', { input: { customer: { ...value.input.customer, iban: R } } }],
    ['input.customer.*', { input: { customer: { iban: R, name: R, count: 3 } } }],
    ['a[*].b', { a: [{ ...value.a[0], b: R }, { b: R }] }],
    ['a[1].b', { a: [value.a[0], { b: R }] }],
    ['a[0]["d.e"]', { a: [{ ...value.a[0], 'd.e': R }, value.a[1]] }],
    ["a[*]['d.e']", { a: [{ ...value.a[0], 'd.e': R }, value.a[1]] }],
    ['argsText.items[*].sku', { argsText: `{"iban":"a","items":[{"sku":"${R}"}]}` }],
    ['iban', {}],
    ['input.customer.count', {}],
  ])('%s is one', (path, change) => {
    expect(redacted(value, { paths: [path] })).toEqual({ ...value, ...change });
  });
});

describe('A redactor', () => {
  it('shares what is unchanged, and never changes its input', () => {
    const value = { a: { b: [1, 'x'] }, c: [{ token: 'abc' }, { d: 1 }] };
    const before = structuredClone(value);
    const safe = redacted(value) as typeof value;
    expect(value).toEqual(before);
    expect(safe.a).toBe(value.a);
    expect(safe.c[1]).toBe(value.c[1]);
    expect(redacted(value.a)).toBe(value.a);
  });

  it('keeps a key named __proto__', () => {
    const value: unknown = JSON.parse('{"__proto__":{"token":"abc"},"a":1}');
    expect(JSON.stringify(redacted(value))).toBe(`{"__proto__":{"token":"${R}"},"a":1}`);
    expect(Object.getPrototypeOf(redacted(value))).toBe(Object.prototype);
  });

  it('ends for a circular value, and for any depth', () => {
    const circular: Record<string, unknown> = { token: 'abc' };
    circular['self'] = circular;
    expect(JSON.stringify(redacted(circular))).not.toContain('abc');
    const deep = `${'['.repeat(100_000)}{"token":"abc"}${']'.repeat(100_000)}`;
    expect(redacted(deep)).not.toContain('abc');
    expect(JSON.parse(redacted(deep) as string)).toBeInstanceOf(Array);
    const harmless = deep.replace('token', 'name');
    expect(redacted(harmless) === harmless).toBe(true);
  });

  it('reads JSON inside JSON to a bound, and drops the rest', () => {
    let text = '"sk-abcdefgh12345"';
    for (let level = 0; level < 14; level++) text = JSON.stringify(text);
    expect(redacted(text)).not.toContain('abcdefgh');
  });
});
