// A login that starts on plain http ends on https, and sends no secret in clear text.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFilled, barriers, begun } from './steps.mjs';

const START = 'http://start.shop.test';
const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));

const stage = await openStage({ TELENOR_HTTP_START: START });
after(() => stage.close());

const inClearText = () => stage.front.answered.filter(({ url }) => url.protocol === 'http:');

test('a login goes through the plain-http page by itself and fills in the form', async (t) => {
  const context = await stage.visitor(t);
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout?n=1`);
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout?n=1`);
  await assertFilled(page);

  const passed = inClearText();
  assert.equal(passed.length, 1, 'one page in clear text');
  const [{ url, sent, headers, status }] = passed;
  assert.equal(`${url.origin}${url.pathname}`, `${START}/telenor/start`);
  assert.equal(status, 200);
  assert.equal(sent.cookie, undefined, 'no cookie goes there');
  assert.equal(headers['set-cookie'], undefined, 'and the page sets none');
  assert.doesNotMatch(url.href, /checkout/);
  const [{ headers: on }] = begun(stage);
  const state = new URL(on.location).searchParams.get('state');
  assert.ok(!url.href.includes(state), 'the request to Telenor is readable on https alone');
  for (const cookie of await context.cookies()) {
    assert.ok(cookie.secure && cookie.name.startsWith('__Host-'), cookie.name);
  }
});

test('every other request to the plain-http host is redirected to https', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  await page.goto(`${START}/manual-form`);
  assert.equal(page.url(), `${SHOP}/manual-form`);
  const [{ headers, status }] = inClearText();
  assert.equal(status, 303);
  assert.equal(headers['set-cookie'], undefined);
  assert.equal(headers['strict-transport-security'], undefined);
});

test('a start page that is opened again has a button, which leads to the same target', async (t) => {
  const context = await stage.visitor(t);
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout?n=2`);
  await page.locator('#continue').waitFor();
  const [{ url }] = inClearText();
  await page.goto(url.href);
  assert.match(page.url(), /^https:\/\/shop\.test\/telenor\/login\?resume=/);
  await page.click('.primary');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout?n=2`);
});

test('the start page has a button for browsers in which it does not go on by itself', async (t) => {
  const context = await stage.visitor(t, { viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  // A response without content keeps the browser on the page.
  await page.route((url) => url.searchParams.has('go'), (route) => route.fulfill({ status: 204 }));
  await page.goto(`${SHOP}/checkout`, { waitUntil: 'commit' });
  const go = page.locator('#continue');
  await go.waitFor();
  assert.ok((await go.getAttribute('href')).startsWith(`${SHOP}/telenor/start?go=`));
  assert.deepEqual(await barriers(page), []);
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}start-390-light.png` });
});
