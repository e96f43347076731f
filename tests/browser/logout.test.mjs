// Who may end a session?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { NEIGHBOUR, openStage, SHOP } from './stage.mjs';
import { assertFailurePage, logIn, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

test('a visit to the logout asks first, and its button logs out', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  await page.goto(`${SHOP}/telenor/logout`);
  await whoami(context);
  await page.click('.primary');
  await assertSignedOut(page);
});

test('a neighbour cannot log anybody out, although the browser sends the session along', async (t) => {
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

test('who was lured into a logout and does want it gets it from the page that says so', async (t) => {
  const context = await stage.visitor(t);
  const page = await logIn(context);
  await lure(page);
  await assertFailurePage(page, 'cross_site_request');
  await page.click('.primary');
  await assertSignedOut(page);
});

/** Has a neighbour's page send the form that logs out. */
async function lure(page) {
  const form = `<!doctype html><form method="post" action="${SHOP}/telenor/logout"><button>Vinn!</button></form>`;
  stage.front.serve(`${NEIGHBOUR}/win`, form);
  await page.goto(`${NEIGHBOUR}/win`);
  await page.click('button');
}

async function assertSignedOut(page) {
  await page.getByText('Du er logget ut').waitFor();
  const names = (await page.context().cookies()).map(({ name }) => name);
  assert.ok(!names.includes('__Host-telenor-session'), names.join());
}
