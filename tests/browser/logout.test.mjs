// Only the app and its user can end a session.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { NEIGHBOR, openStage, SHOP } from './stage.mjs';
import { assertFailurePage, logIn, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

// S79.
test('the logout page asks first, and its button logs out', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  await page.goto(`${SHOP}/telenor/logout`);
  await whoami(context);
  await page.click('.primary');
  await assertSignedOut(page);
});

test('a sibling host cannot log a user out, although the browser sends the cookie', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  const token = await whoami(context);
  await lure(page);
  await assertFailurePage(page, 'cross_site_request');
  const { sent, status } = await stage.front.seen(({ method }) => method === 'POST');
  assert.equal(status, 403);
  assert.equal(sent['sec-fetch-site'], 'same-site');
  assert.match(sent.cookie, /__Host-telenor-session=/);
  assert.equal(await whoami(context), token);
});

test('the page for a foreign logout form has a button that logs out', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  await lure(page);
  await assertFailurePage(page, 'cross_site_request');
  await page.click('.primary');
  await assertSignedOut(page);
});

/** Sends the logout form from a page of a sibling host. */
async function lure(page) {
  const action = `${SHOP}/telenor/logout`;
  const form = `<!doctype html><form method="post" action="${action}"><button>Vinn!</button></form>`;
  stage.front.serve(`${NEIGHBOR}/win`, form);
  await page.goto(`${NEIGHBOR}/win`);
  await page.click('button');
}

async function assertSignedOut(page) {
  await page.getByText('Du er logget ut').waitFor();
  const names = (await page.context().cookies()).map(({ name }) => name);
  assert.ok(!names.includes('__Host-telenor-session'), names.join());
}
