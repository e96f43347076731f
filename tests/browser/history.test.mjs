// Reload, Back and forward end in the app, and show nothing after a logout.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFilled, begun, isCallback, logIn, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

/** A page from the back/forward cache does not load again. */
const KEPT = { waitUntil: 'commit' };

test('a reloaded callback leads into the app with the same token', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context, '/checkout?from=basket');
  const token = await whoami(context);
  const { url } = await stage.front.seen(isCallback);
  await page.goto(url.href);
  assert.equal(page.url(), `${SHOP}/checkout?from=basket`);
  await assertFilled(page);
  assert.equal(await whoami(context), token);
});

test('Back to the gateway and forward ends in the app with the same token', async (t) => {
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

test('the basket shows the user after Back to its first page', async (t) => {
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

test('this browser has a back/forward cache, which the next test needs', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  const title = 'document.title = event.persisted ? "kept" : "loaded"';
  const script = `addEventListener("pageshow", (event) => (${title}))`;
  stage.front.serve(`${SHOP}/kept`, `<!doctype html><title></title><script>${script}</script>`);
  await page.goto(`${SHOP}/kept`);
  await page.goto(SHOP);
  await page.goBack(KEPT);
  await page.waitForFunction(() => document.title === 'kept');
});

test('after a logout Back shows no user data, and the next visit is a login', async (t) => {
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
