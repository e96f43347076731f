// What do reload, Back and forward do?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFilled, begun, isCallback, logIn, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

/** A page that was kept alive does not load again. */
const KEPT = { waitUntil: 'commit' };

test('the callback loaded again leads into the app with the same token', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context, '/checkout?from=basket');
  const token = await whoami(context);
  const { url } = await stage.front.seen(isCallback);
  await page.goto(url.href);
  assert.equal(page.url(), `${SHOP}/checkout?from=basket`);
  await assertFilled(page);
  assert.equal(await whoami(context), token);
});

test('Back to the gateway and forward again ends in the app with the same token', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  const token = await whoami(context);
  await page.goBack(KEPT);
  assert.ok(page.url().startsWith(stage.gateway), page.url());
  await page.goForward(KEPT);
  assert.equal(page.url(), `${SHOP}/checkout`);
  await assertFilled(page);
  assert.equal(await whoami(context), token);
  assert.equal(begun(stage).length, 1);
});

test('all the way back the basket knows who is signed in', async (t) => {
  const context = await stage.visitor(t);
  const page = await context.newPage();
  await page.goto(SHOP);
  await page.click('text=Til kassen');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  while (page.url() !== `${SHOP}/`) {
    await page.goBack(KEPT);
  }
  await page.getByText('Innlogget som').waitFor();
});

test('this browser keeps pages for the Back button, so that the next test proves something', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  const script = 'addEventListener("pageshow", (event) => (document.title = event.persisted ? "kept" : "loaded"))';
  stage.front.serve(`${SHOP}/kept`, `<!doctype html><title></title><script>${script}</script>`);
  await page.goto(`${SHOP}/kept`);
  await page.goto(SHOP);
  await page.goBack(KEPT);
  await page.waitForFunction(() => document.title === 'kept');
});

test('after a logout Back shows nothing of the person, and the next visit is a login', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  await page.click('text=Logg ut');
  await page.waitForURL(`${SHOP}/telenor/logout`);
  await page.getByText('Du er logget ut').waitFor();

  await page.goBack(KEPT);
  assert.ok(page.url().startsWith(stage.gateway), `Back shows ${page.url()}`);

  const tab = await context.newPage();
  await tab.goto(`${SHOP}/checkout`);
  assert.ok(tab.url().startsWith(stage.gateway), tab.url());
});
