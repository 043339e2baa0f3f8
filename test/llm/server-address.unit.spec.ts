import { afterEach, describe, expect, it } from '@jest/globals';
import { AddressFinder, addressOf } from '../../src/llm/client.js';

describe('The address of a server', () => {
  it.each([
    ['https://api.example.com/v1', { address: 'api.example.com', port: 443 }],
    ['http://api.example.com/v1', { address: 'api.example.com', port: 80 }],
    ['http://127.0.0.1:8080', { address: '127.0.0.1', port: 8080 }],
    ['http://[::1]:8080/v1', { address: '::1', port: 8080 }],
    ['https://ada:secret@api.example.com/v1?key=secret', { address: 'api.example.com', port: 443 }],
    ['not a URL', undefined],
    ['file:///etc', undefined],
    ['', undefined],
  ])('%s', (url, address) => {
    expect(addressOf(url)).toEqual(address);
  });
});

describe('The server of a client', () => {
  afterEach(() => {
    delete process.env['OPENAI_BASE_URL'];
  });

  it('is the ready client’s, then that of the options, then that of the environment', () => {
    const finder = new AddressFinder('openai');
    expect(finder.of({})).toEqual({ address: 'api.openai.com', port: 443 });
    process.env['OPENAI_BASE_URL'] = 'http://environment:1';
    expect(finder.of({})).toEqual({ address: 'environment', port: 1 });
    expect(finder.of({ baseURL: 'http://option:2' })).toEqual({ address: 'option', port: 2 });
    const client = { baseURL: 'http://client:3' };
    expect(finder.of({ client, baseURL: 'http://option:2' })).toEqual({
      address: 'client',
      port: 3,
    });
    // An application may change it.
    client.baseURL = 'http://client:4';
    expect(finder.of({ client })).toEqual({ address: 'client', port: 4 });
  });

  it('is found once', () => {
    const finder = new AddressFinder('anthropic');
    expect(finder.of({})).toBe(finder.of({}));
  });
});
