// A login behind each real proxy, with the configuration that docs/proxy.md shows.
//
// DEMO, NGINX, HAPROXY, CADDY, TRAEFIK and APACHE2 set other programs than the default ones.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { startDemo } from '../browser/demo.mjs';
import { consent, logInAndOut } from './login.mjs';
import { PROXIES, nameAndVersion, startProxy } from './proxy.mjs';
import { Visitor } from './visitor.mjs';

const SHOP = 'https://shop.example';
const START = 'http://start.shop.example';

/** Port 1 is reserved, and nothing listens on it. */
const NOWHERE = 'http://127.0.0.1:1';

const apps = {};

before(async () => {
  const TELENOR_REDIRECT_URI = `${SHOP}/telenor/callback`;
  apps.shop = await startDemo({ TELENOR_REDIRECT_URI });
  apps.withPort = await startDemo({ TELENOR_REDIRECT_URI: `${SHOP}:8443/telenor/callback` });
  apps.withStart = await startDemo({ TELENOR_REDIRECT_URI, TELENOR_HTTP_START: START });
  apps.unset = await startDemo({ TELENOR_REDIRECT_URI: `${SHOP}/kunde/telenor/callback` });
  apps.kunde = await startDemo({
    TELENOR_REDIRECT_URI: `${SHOP}/kunde/telenor/callback`,
    TELENOR_STRIPPED_PREFIX: '/kunde',
  });
});

after(() => Promise.all(Object.values(apps).map((app) => app.stop())));

for (const name of Object.keys(PROXIES)) {
  const proxy = await nameAndVersion(name);

  /** Runs a test with a visitor and a proxy of its own. */
  const behind = (what, upstream, steps) =>
    test(`${proxy}: ${what}`, { timeout: 60_000 }, async (t) => {
      const running = await startProxy(name, { shop: apps.shop.origin, kunde: apps.kunde.origin, ...upstream() });
      t.after(() => running.stop());
      await steps(running, t);
    });

  const login = (what, base, { useHttp2, start, upstream = () => ({}) } = {}) =>
    behind(what, upstream, async (running, t) => {
      const visitor = new Visitor(running, { useHttp2 });
      t.after(() => visitor.close());
      const secrets = await logInAndOut(visitor, base, { start });
      const log = await running.stop();
      assert.ok(log.includes('/telenor/callback'), 'the request is logged');
      for (const secret of secrets) assert.ok(!log.includes(secret), `${secret} is in the log`);
    });

  login('path passed on', SHOP);
  login('path passed on, HTTP/2', SHOP, { useHttp2: true });
  login('path stripped', `${SHOP}/kunde`);
  login('path stripped, HTTP/2', `${SHOP}/kunde`, { useHttp2: true });
  login('redirect URI with a port', `${SHOP}:8443`, { upstream: () => ({ shop: apps.withPort.origin }) });
  login('start on plain http', SHOP, { start: START, upstream: () => ({ shop: apps.withStart.origin }) });

  behind('path stripped, without the setting', () => ({ kunde: apps.unset.origin }), async (running) => {
    const visitor = new Visitor(running);
    const challenge = await visitor.open(`${SHOP}/kunde/whoami`);
    const astray = await visitor.open(await consent(visitor, challenge.headers.location));
    assert.equal(astray.status, 400);
    assert.match(astray.body, /callback_astray/);
  });

  const form = 'x'.repeat(900_000);
  const headers = { origin: SHOP, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  for (const useHttp2 of [false, true]) {
    behind(`a long form that the layer refuses, ${useHttp2 ? 'HTTP/2' : 'HTTP/1.1'}`, () => ({}), async (running, t) => {
      for (let at = 0; at < 5; at++) {
        const visitor = new Visitor(running, { useHttp2 });
        t.after(() => visitor.close());
        const { status } = await visitor.open(`${SHOP}/telenor/session`, { method: 'POST', form, headers });
        assert.equal(status, 405, 'the answer of the layer');
      }
    });
  }

  behind('port 80 leads to https', () => ({}), async (running) => {
    const { status, headers } = await new Visitor(running).open('http://shop.example/whoami');
    assert.ok([301, 302, 307, 308].includes(status), `${status}`);
    assert.ok(headers.location.startsWith('https://shop.example'), headers.location);
  });

  behind('no code in a log while the app is down', () => ({ shop: NOWHERE, kunde: NOWHERE }), async (running) => {
    for (const base of [SHOP, `${SHOP}/kunde`]) {
      const callback = `${base}/telenor/callback?code=secret-code&state=secret-state`;
      const { status } = await new Visitor(running).open(callback);
      assert.ok(status >= 502 && status <= 504, `${status}`);
    }
    assert.doesNotMatch(await running.stop(), /secret/);
  });

  const cookie = (bytes) => `__Host-c${bytes}=`.padEnd(bytes, 'c');
  const session = `${cookie(4096)}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600`;
  for (const useHttp2 of [false, true]) {
    test(`${proxy}: the largest cookies, ${useHttp2 ? 'HTTP/2' : 'HTTP/1.1'}`, async (t) => {
      const sent = [cookie(4096), ...Array.from({ length: 5 }, (_, at) => cookie(760 - at))];
      const app = createServer(({ headers }, response) => {
        response.writeHead(303, {
          'set-cookie': [session, ...sent.slice(1).map((line) => `${line.split('=')[0]}=; Path=/; Max-Age=0`)],
          location: `${SHOP}/${'p'.repeat(2000)}`,
        });
        response.end(headers.cookie);
      }).listen(0, '127.0.0.1');
      await once(app, 'listening');
      const origin = `http://127.0.0.1:${app.address().port}`;
      const running = await startProxy(name, { shop: origin, kunde: origin });
      const visitor = new Visitor(running, { useHttp2 });
      t.after(async () => {
        visitor.close();
        await running.stop();
        app.closeAllConnections();
        app.close();
      });
      for (const line of sent) visitor.cookies.set(...line.split('='));
      const reply = await visitor.open(`${SHOP}/`);
      assert.equal(reply.status, 303, reply.body);
      assert.equal(reply.body, sent.join('; '), 'Cookie');
      assert.equal(reply.setCookie.length, 6);
      assert.equal(reply.setCookie[0], session, 'Set-Cookie');
    });
  }
}

test('docs/proxy.md shows what is tried here', async () => {
  const page = await readFile(new URL('../../docs/proxy.md', import.meta.url), 'utf8');
  const lines = (text) => text.split('\n').map((line) => line.trim()).join('\n').trim();
  for (const { heading, files } of Object.values(PROXIES)) {
    const [, section] = page.split(`### ${heading}\n`);
    const shown = [...section.split('\n### ')[0].matchAll(/```\w+\n(.*?)```/gs)].map(([, block]) => lines(block));
    assert.ok(shown.length > 0, heading);
    const tried = await Promise.all(
      Object.keys(files).map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
    );
    for (const block of shown) assert.ok(tried.some((text) => lines(text).includes(block)), block);
  }
});
