// The page for a user who denies consent, and the ways on from it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFailurePage, assertFilled, decline, isCallback } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

async function denied(t) {
  const page = await (await stage.visitor(t)).newPage();
  await page.goto(`${SHOP}/checkout`);
  await decline(page);
  await assertFailurePage(page, 'access_denied');
  return page;
}

test('a denied consent is a 403 that explains the consequence, without a session', async (t) => {
  const page = await denied(t);
  const { status } = await stage.front.seen(isCallback);
  assert.equal(status, 403);
  assert.match(await page.locator('main').innerText(), /kan ikke Fjellbua fylle ut navn og adresse/);
  assert.deepEqual(await page.context().cookies(), []);
});

test('the main button starts a login again, with the same target', async (t) => {
  const page = await denied(t);
  await page.click('.primary');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  await assertFilled(page);
});

test('after a denied consent the user can continue without a login', async (t) => {
  const page = await denied(t);
  await page.click('text=Fortsett uten å logge inn');
  await page.waitForURL(`${SHOP}/manual-form`);
  assert.equal(await page.getByLabel('Navn').inputValue(), '');
});

test('the page for a denied consent can be reloaded, and then knows of no login', async (t) => {
  const page = await denied(t);
  const response = await page.reload();
  assert.equal(response.status(), 400);
  await assertFailurePage(page, 'error_without_login');
});
