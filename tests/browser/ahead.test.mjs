// A browser that loads pages ahead starts no login and uses up no code.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFilled, begun, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

const rules = (action) => (url) =>
  `<script type="speculationrules">${JSON.stringify({ [action]: [{ urls: [url], eagerness: 'immediate' }] })}</script>`;
const WAYS = {
  prerendering: rules('prerender'),
  prefetching: rules('prefetch'),
  'a prefetch link': (url) => `<link rel="prefetch" href="${url.replaceAll('&', '&amp;')}">`,
};

/** Opens a page that makes the browser load `url` ahead, and returns the request for it. */
async function ahead(page, way, url) {
  stage.front.serve(`${SHOP}/ahead`, `<!doctype html><title>Ahead</title>${way(url)}<a href="/checkout">Kassen</a>`);
  await page.goto(`${SHOP}/ahead`);
  return stage.front.seen(({ sent }) => sent['sec-purpose']?.startsWith('prefetch'));
}

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name} starts no login, and the later visit does`, async (t) => {
    const context = await stage.visitor(t);
    const page = await context.newPage();
    const { status, headers } = await ahead(page, way, '/checkout');
    assert.equal(status, 503);
    assert.equal(headers['set-cookie'], undefined);
    assert.equal(headers.location, undefined);
    assert.deepEqual(await context.cookies(), []);

    await page.click('a');
    await agree(page);
    await page.waitForURL(`${SHOP}/checkout`);
    await assertFilled(page);
    assert.equal(begun(stage).length, 1);
  });

  test(`${name} of a callback uses up no code, and the later visit does`, async (t) => {
    const context = await stage.visitor(t);
    const page = await context.newPage();
    await page.goto(`${SHOP}/checkout`);
    const callback = await consentOf(page.url());
    const { status, headers } = await ahead(await context.newPage(), way, callback);
    assert.equal(status, 503);
    assert.equal(headers['set-cookie'], undefined);

    await page.goto(callback);
    assert.equal(page.url(), `${SHOP}/checkout`);
    await whoami(context);
  });
}

/** Returns the address that consent redirects to, without opening it in the browser. */
async function consentOf(login) {
  const post = (url, answer) =>
    fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(answer) });
  await post(login, {});
  const consent = await post(`${login}/consent`, { answer: 'allow' });
  return consent.headers.get('location');
}
