// User info for a script of a page: through the shop, and straight from the gateway with the token.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { NEIGHBOR, SHOP, STRANGER } from './shop.mjs';
import { agree, isEngine, openAnyStage } from './tab.mjs';

const stages = {
  byDefault: await openAnyStage(),
  direct: await openAnyStage({ TELENOR_TOKEN_TO_SCRIPTS: 'true' }),
};
after(() => Promise.all(Object.values(stages).map((stage) => stage.close())));

/** Returns a tab on the page with the script, after a login. */
async function signedIn(t, stage) {
  const browser = await stage.visitor(t);
  const tab = await browser.tab();
  await tab.open(`${SHOP}/telenor/login?return_to=/javascript`);
  await agree(tab);
  await tab.at(`${SHOP}/javascript`);
  return { browser, tab };
}

const shows = (id, text) =>
  `document.querySelector('output[for=${id}]').textContent.includes(${JSON.stringify(text)})`;

/** Returns what became of a call of the gateway: the text that the script could read. */
const call = (gateway, options) =>
  `fetch('${gateway}/user-info/v1/users', ${JSON.stringify(options)})
    .then(async (response) => response.type + ' ' + (await response.text()), () => 'rejected')`;

const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

/** Returns the token, as every script of the shop's page can get it. */
const tokenIn = (tab) =>
  tab.run(`fetch('/access-token', { method: 'POST' }).then(async (grant) => (await grant.json()).access_token)`);

/** Opens an empty page of another origin, in a tab of its own. */
async function foreignTab(stage, browser, origin) {
  stage.front.serve(`${origin}/foreign`, '<!doctype html><title>Foreign</title>');
  const tab = await browser.tab();
  await tab.open(`${origin}/foreign`);
  return tab;
}

test('a script gets user info through the shop, and never the token', async (t) => {
  const stage = stages.byDefault;
  const { tab } = await signedIn(t, stage);
  await tab.click('#through-shop');
  await tab.until(shows('through-shop', '"givenName": "Kari"'));
  const { headers } = await stage.front.seen(({ url }) => url.pathname === '/telenor/user-info');
  assert.match(headers['cache-control'], /no-store/);
  assert.equal(await tab.run(`document.querySelector('#direct')`), null);
  assert.equal(await tab.run(`fetch('/access-token', { method: 'POST' }).then(({ status }) => status)`), 404);
});

test('a script of a visitor without a session leads to a login and back', async (t) => {
  const stage = stages.byDefault;
  const tab = await (await stage.visitor(t)).tab();
  await tab.open(`${SHOP}/javascript`);
  await tab.click('#through-shop');
  await agree(tab);
  await tab.at(`${SHOP}/javascript`);
  await tab.click('#through-shop');
  await tab.until(shows('through-shop', '"givenName": "Kari"'));
});

// The mock gateway is on plain http. WebKitGTK lets no page on https call it, registered or not.
const skip = isEngine('webkit') && 'the gateway is on http://127.0.0.1';

test('a script of the registered origin calls the gateway with the token', { skip }, async (t) => {
  const stage = stages.direct;
  const { tab } = await signedIn(t, stage);
  await tab.click('#direct');
  await tab.until(shows('direct', '"givenName": "Kari"'));
  const { headers } = await stage.front.seen(({ url }) => url.pathname === '/access-token');
  assert.equal(headers['cache-control'], 'no-store');
  assert.match(await tab.run(call(stage.gateway, bearer('unknown'))), /^cors .*40105/, 'errors can be read');
});

test('the browser refuses a script of an origin that is not registered', { skip }, async (t) => {
  const stage = stages.direct;
  const { browser, tab } = await signedIn(t, stage);
  const token = await tokenIn(tab);
  assert.match(await tab.run(call(stage.gateway, bearer(token))), /^cors .*Kari/);
  for (const origin of [STRANGER, NEIGHBOR]) {
    const foreign = await foreignTab(stage, browser, origin);
    assert.equal(await foreign.run(call(stage.gateway, bearer(token))), 'rejected', origin);
    assert.equal(await foreign.run(call(stage.gateway, {})), 'rejected', 'it cannot read an error');
    assert.equal(await foreign.run(call(stage.gateway, { mode: 'no-cors' })), 'opaque ');
  }
});

test('a gateway without registered origins lets no page call it', { skip }, async (t) => {
  const { browser, tab } = await signedIn(t, stages.direct);
  const token = await tokenIn(tab);
  const { gateway } = stages.byDefault;
  const foreign = await foreignTab(stages.direct, browser, SHOP);
  assert.equal(await foreign.run(call(gateway, bearer(token))), 'rejected');
});

test('a page of another origin does not get the token from the shop', async (t) => {
  const stage = stages.direct;
  const { browser } = await signedIn(t, stage);
  // Browsers send the session cookie for a page of the same site alone.
  for (const [origin, expected] of [[STRANGER, 401], [NEIGHBOR, 403]]) {
    const foreign = await foreignTab(stage, browser, origin);
    const answer = await foreign.run(
      `fetch('${SHOP}/access-token', { method: 'POST', credentials: 'include' })
        .then((response) => response.text(), () => 'rejected')`,
    );
    assert.equal(answer, 'rejected', origin);
    const { status } = await stage.front.seen(({ method, sent }) => method === 'POST' && sent.origin === origin);
    assert.equal(status, expected, origin);
  }
});
