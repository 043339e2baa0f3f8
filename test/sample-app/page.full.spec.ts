import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Desk } from './open-desk.js';

const SCRIPTS = ['desk.mjs', 'api.mjs', 'progress-list.mjs'];

describe('The page of the desk', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await Desk.open();
  });

  afterAll(() => desk.close());

  it('is HTML with a policy against external resources and inline scripts', async () => {
    const { status, headers } = await desk.fetch('/');

    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const policy = headers.get('content-security-policy')!.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
    );
    expect(policy.join(' ')).not.toMatch(/unsafe|https?:|\*/);
  });

  it('complies with that policy', async () => {
    const html = await (await desk.fetch('/')).text();

    expect(html).not.toMatch(
      /<script(?![^>]* src=)|<style|\s(style|on\w+)=|(src|href)="(https?:)?\/\//,
    );
  });

  it('can load the files that it references', async () => {
    const html = await (await desk.fetch('/')).text();
    const named = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!);

    expect(named).toContain('/page/desk.mjs');
    for (const path of [...named, ...SCRIPTS.map((name) => `/page/${name}`)]) {
      const { status, headers } = await desk.fetch(path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-type')).toMatch(
        path.endsWith('css') ? /^text\/css/ : /^text\/javascript/,
      );
    }
  });

  it('inserts texts of models and customers as text, never as HTML', async () => {
    for (const name of SCRIPTS) {
      const script = await (await desk.fetch(`/page/${name}`)).text();
      expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
    }
  });

  it.each(['/page/secret.txt', '/page/..%2F..%2Fpackage.json', '/page/constructor'])(
    'has no file %s',
    async (path) => {
      expect((await desk.fetch(path)).status).toBe(404);
    },
  );
});
