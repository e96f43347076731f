// What people do, and what they see.

import assert from 'node:assert/strict';

import axe from 'axe-core';

import { SHOP } from './stage.mjs';

/** Says yes to everything at the gateway. */
export async function agree(page) {
  await page.click('#continue');
  await page.click('#allow');
}

/** Lets itself be recognised at the gateway, and shares nothing. */
export async function decline(page) {
  await page.click('#continue');
  await page.click('#deny');
}

/** A tab that went through a login and shows what it asked for. */
export async function logIn(context, path = '/checkout') {
  const page = await context.newPage();
  await page.goto(SHOP + path);
  await agree(page);
  await page.waitForURL(SHOP + path);
  return page;
}

/** Which access token the browser is signed in with, as a hash. */
export async function whoami(context) {
  const page = await context.newPage();
  await page.goto(`${SHOP}/whoami`);
  const answer = await page.locator('body').innerText();
  await page.close();
  assert.match(answer, /^[0-9a-f]{64}$/, 'nobody is signed in');
  return answer;
}

export async function assertFilled(page) {
  assert.equal(await page.getByLabel('Navn').inputValue(), 'Kari Eksempel Nordmann');
  assert.equal(await page.getByLabel('Postnummer').inputValue(), '9008');
}

/** A page of the layer that names this cause, and one obvious button. */
export async function assertFailurePage(page, cause) {
  await page.locator('footer code', { hasText: new RegExp(`^${cause}$`) }).waitFor();
  assert.equal(await page.locator('.primary').count(), 1, 'one obvious button');
  assert.ok(await page.locator('.primary').isVisible());
}

export const isCallback = ({ url }) => url.pathname === '/telenor/callback';

/** The requests that were sent on to the gateway to log in. */
export const begun = ({ front, gateway }) =>
  front.answered.filter(({ headers }) => headers.location?.startsWith(`${gateway}/oauth/v2/authorize?`));

/** What shuts somebody out of a page, as far as a machine can tell. */
export async function barriers(page) {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}
