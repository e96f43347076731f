// The steps of a user, and checks of the pages.

import assert from 'node:assert/strict';

import axe from 'axe-core';

import { SHOP } from './stage.mjs';

/** Consents to everything at the gateway. */
export async function agree(page) {
  await page.click('#continue');
  await page.click('#allow');
}

/** Is recognized at the gateway, and denies consent. */
export async function decline(page) {
  await page.click('#continue');
  await page.click('#deny');
}

/** Returns a tab after a login, on the page that it requested. */
export async function logIn(context, path = '/checkout') {
  const page = await context.newPage();
  await page.goto(SHOP + path);
  await agree(page);
  await page.waitForURL(SHOP + path);
  return page;
}

/** Returns the hash of the access token of the session. */
export async function whoami(context) {
  const page = await context.newPage();
  await page.goto(`${SHOP}/whoami`);
  const answer = await page.locator('body').innerText();
  await page.close();
  assert.match(answer, /^[0-9a-f]{64}$/, 'no user is signed in');
  return answer;
}

export async function assertFilled(page) {
  assert.equal(await page.getByLabel('Navn').inputValue(), 'Kari Eksempel Nordmann');
  assert.equal(await page.getByLabel('Postnummer').inputValue(), '9008');
}

/** Checks for a page of the layer that names this cause and has one main button. */
export async function assertFailurePage(page, cause) {
  await page.locator('footer code', { hasText: new RegExp(`^${cause}$`) }).waitFor();
  assert.equal(await page.locator('.primary').count(), 1, 'one obvious button');
  assert.ok(await page.locator('.primary').isVisible());
}

export const isCallback = ({ url }) => url.pathname === '/telenor/callback';

/** Returns the requests that were redirected to the gateway to log in. */
export const begun = ({ front, gateway }) =>
  front.answered.filter(({ headers }) =>
    headers.location?.startsWith(`${gateway}/oauth/v2/authorize?`),
  );

/** Returns the accessibility violations of a page that axe detects. */
export async function barriers(page) {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}
