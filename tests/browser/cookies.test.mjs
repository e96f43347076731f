// The attributes of the cookies, and the pages for lost cookies.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { NEIGHBOR, openStage, SHOP } from './stage.mjs';
import { agree, assertFailurePage, assertFilled, begun, isCallback, logIn } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

// S63, S64.
test('every cookie is __Host-, Secure, HttpOnly and Lax, and hidden from scripts', async (t) => {
  const context = await stage.visitor(t);
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout`);
  const begunWith = await context.cookies();
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  const signedInWith = await context.cookies();

  const names = (cookies) => cookies.map(({ name }) => name.replace(/-login-.*/, '-login-…')).sort();
  assert.deepEqual(names(begunWith), ['__Host-telenor-login-…']);
  assert.deepEqual(names(signedInWith), ['__Host-telenor-loop', '__Host-telenor-session']);
  for (const { name, domain, path, secure, httpOnly, sameSite } of [...begunWith, ...signedInWith]) {
    assert.deepEqual(
      { domain, path, secure, httpOnly, sameSite },
      { domain: 'shop.test', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' },
      name,
    );
  }
  assert.equal(await page.evaluate(() => document.cookie), '');
});

test('a login without its cookies ends on one page after one round', async (t) => {
  const context = await stage.visitor(t);
  stage.front.dropsCookie = () => true;
  await assertOneRound(await context.newPage());
});

test('a login in a browser that blocks cookies ends on one page after one round', async (t) => {
  const profile = join(stage.directory, 'blocks-cookies');
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
  await mkdir(join(profile, 'Default'), { recursive: true });
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(blocked));
  const context = await stage.visitorOfProfile(t, profile);
  await assertOneRound(await context.newPage());
  assert.deepEqual(await context.cookies(), []);
});

async function assertOneRound(page) {
  await page.goto(`${SHOP}/checkout`);
  await agree(page);
  await assertFailurePage(page, 'state_unknown');
  const { status, sent } = await stage.front.seen(isCallback);
  assert.equal(status, 400);
  assert.equal(sent.cookie, undefined);
  assert.equal(begun(stage).length, 1);
}

test('a browser that loses its session every time is stopped after two rounds', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  stage.front.dropsCookie = (name) => name.endsWith('-session');
  await page.goto(`${SHOP}/checkout`);
  for (let round = 1; round <= 2; round += 1) {
    await agree(page);
  }
  await assertFailurePage(page, 'login_loop');
  assert.equal(page.url(), `${SHOP}/checkout`);
  assert.equal(begun(stage).length, 2);

  stage.front.dropsCookie = () => false;
  await page.click('.primary');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  await assertFilled(page);
});

test('a cookie of a sibling host that is not UTF-8 does not prevent a login', async (t) => {
  const context = await stage.visitor(t);
  const page = await context.newPage();
  const planted = 'odd=\xff; Domain=shop.test; Path=/; Secure; SameSite=None';
  stage.front.serve(`${NEIGHBOR}/plant`, '<!doctype html><title>Planted</title>', { 'set-cookie': planted });
  await page.goto(`${NEIGHBOR}/plant`);
  await page.goto(`${SHOP}/checkout`);
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  await assertFilled(page);
  assert.match(stage.front.answered.find(isCallback).sent.cookie, /odd=\xff/, 'the cookie was sent');
});
