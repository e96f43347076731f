// A login, its pages and its end, in every engine. Chromium has more tests, in tests/browser.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { startDemo } from '../browser/demo.mjs';
import { SHOP } from '../browser/shop.mjs';
import { agree, isFilled, openAnyStage } from '../browser/tab.mjs';

const START = 'http://start.shop.test';

const stages = {
  memory: await openAnyStage({ TELENOR_SESSION_STORE: 'memory' }),
  cookie: await openAnyStage({ TELENOR_SESSION_STORE: 'cookie', TELENOR_HTTP_START: START }),
};
after(() => Promise.all(Object.values(stages).map((stage) => stage.close())));
const stage = stages.memory;

/** Returns a tab after a login, on the page that it requested. */
async function logIn(browser, path = '/checkout') {
  const tab = await browser.tab();
  await tab.open(SHOP + path);
  await agree(tab);
  await tab.at(SHOP + path);
  return tab;
}

for (const [store, stage] of Object.entries(stages)) {
  test(`three clicks fill in the form, and a fourth one orders (${store} store)`, async (t) => {
    const tab = await (await stage.visitor(t)).tab();
    await tab.open(SHOP);
    await tab.click('a[href="/checkout"]');
    await agree(tab);
    await tab.at(`${SHOP}/checkout`);
    await isFilled(tab);
    await tab.click('button[form="delivery-form"]');
    await tab.at(`${SHOP}/orders/thanks`);
  });
}

test('a developer can log in over plain http on the loopback address', async (t) => {
  const demo = await startDemo({});
  t.after(() => demo.stop());
  const tab = await (await stage.visitor(t)).tab();
  await tab.open(`${demo.origin}/checkout`);
  await agree(tab);
  await tab.at(`${demo.origin}/checkout`);
  await isFilled(tab);
});

test('a login over the plain-http page sends no cookie in clear text', async (t) => {
  const { front, visitor } = stages.cookie;
  await logIn(await visitor(t));
  const inClearText = front.answered.filter(({ url }) => url.origin === START);
  assert.equal(inClearText.length, 1);
  assert.equal(inClearText[0].sent.cookie, undefined);
});

test('a denied consent has its page, from where a login starts again or the user goes on', async (t) => {
  const tab = await (await stage.visitor(t)).tab();
  await tab.open(`${SHOP}/checkout`);
  await tab.click('#continue');
  await tab.click('#deny');
  await tab.failure('access_denied');
  await tab.click('.primary');
  await tab.click('#continue');
  await tab.click('#deny');
  await tab.failure('access_denied');
  await tab.click('a[href$="/manual-form"]');
  await tab.at(`${SHOP}/manual-form`);
});

test('each of two tabs ends on its own page', async (t) => {
  const browser = await stage.visitor(t);
  const tabs = [];
  for (const path of ['/checkout?tab=1', '/checkout?tab=2&with=%C3%B8']) {
    const tab = await browser.tab();
    await tab.open(SHOP + path);
    tabs.push([tab, path]);
  }
  for (const [tab, path] of tabs.reverse()) {
    await agree(tab);
    await tab.at(SHOP + path);
  }
});

test('a reloaded callback leads into the app', async (t) => {
  const tab = await logIn(await stage.visitor(t));
  const { url } = await stage.front.seen(({ url }) => url.pathname === '/telenor/callback');
  await tab.open(url.href);
  await tab.at(`${SHOP}/checkout`);
  await isFilled(tab);
});

test('after a logout Back shows no user data', async (t) => {
  const tab = await logIn(await stage.visitor(t));
  await tab.click('form[action$="/telenor/logout"] button');
  await tab.signedOut();
  await tab.back();
  await tab.until(`document.readyState === 'complete'`);
  assert.doesNotMatch(await tab.run('document.documentElement.innerHTML'), /Nordmann/);
});

test('a browser that keeps no cookies ends on one page after one round', async (t) => {
  const browser = await stage.visitor(t);
  stage.front.dropsCookie = () => true;
  const tab = await browser.tab();
  await tab.open(`${SHOP}/checkout`);
  await agree(tab);
  await tab.failure('state_unknown');
});

test('a browser that loses its session every time is stopped', async (t) => {
  const browser = await stage.visitor(t);
  stage.front.dropsCookie = (name) => name.endsWith('-session');
  const tab = await browser.tab();
  await tab.open(`${SHOP}/checkout`);
  for (let round = 1; round <= 2; round += 1) {
    await agree(tab);
  }
  await tab.failure('login_loop');
});
