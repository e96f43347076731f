// A person sees pages, whatever the browser sends, and never a document for scripts.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { SHOP } from './shop.mjs';
import { agree, isFilled, openAnyStage, serveForm } from './tab.mjs';

const START = 'http://start.shop.test';

const stages = {
  https: await openAnyStage({ TELENOR_HTTP_START: START }),
  // A developer's. Browsers send Fetch metadata to no other plain http than this machine's.
  http: await openAnyStage(({ httpPort }) => ({
    TELENOR_REDIRECT_URI: `http://127.0.0.1:${httpPort}/telenor/callback`,
  })),
};
after(() => Promise.all(Object.values(stages).map((stage) => stage.close())));

const isFetchMetadata = (name) => name.startsWith('sec-fetch-');

const BROWSERS = {
  'a browser without Fetch metadata': { stage: stages.https, origin: SHOP, adds: {} },
  'a web view of an Android app': {
    stage: stages.https,
    origin: SHOP,
    adds: { 'x-requested-with': 'no.example.app' },
  },
  'a browser on plain http': {
    stage: stages.http,
    origin: `http://127.0.0.1:${stages.http.front.httpPort}`,
    adds: {},
  },
};

for (const [name, { stage, origin, adds }] of Object.entries(BROWSERS)) {
  const visit = async (t) => {
    const browser = await stage.visitor(t);
    Object.assign(stage.front, { adds, dropsHeader: isFetchMetadata });
    return browser.tab();
  };

  test(`${name} can log in, and log out`, async (t) => {
    const tab = await visit(t);
    await tab.open(`${origin}/checkout`);
    await agree(tab);
    await tab.at(`${origin}/checkout`);
    await isFilled(tab);
    await tab.open(`${origin}/telenor/logout`);
    await tab.click('.primary');
    await tab.signedOut(origin);
  });

  test(`${name} without an Origin either can log out on the page of the layer`, async (t) => {
    const tab = await visit(t);
    stage.front.dropsHeader = (header) => isFetchMetadata(header) || header === 'origin';
    await tab.open(`${origin}/telenor/login?return_to=/whoami`);
    await agree(tab);
    await tab.at(`${origin}/whoami`);
    await tab.open(`${origin}/telenor/logout`);
    await tab.click('.primary');
    await tab.signedOut(origin);
  });

  test(`${name} gets the page of a lost form`, async (t) => {
    const tab = await visit(t);
    serveForm(stage, `${origin}/form`, `${origin}/orders`);
    await tab.open(`${origin}/form`);
    await tab.click('button');
    await tab.failure('form_not_sent');
    await tab.click('.primary');
    await agree(tab);
    await tab.at(`${origin}/form`);
  });

  test(`${name} gets the page of a failed login, and a way on`, async (t) => {
    const tab = await visit(t);
    await tab.open(`${origin}/telenor/callback?code=code&state=AAAAAAAAAAAAAAAAAAAAAA`);
    await tab.failure('state_unknown');
    await tab.click('.primary');
    await tab.click('#continue');
    await tab.click('#deny');
    await tab.failure('access_denied');
  });
}

for (const path of ['callback', 'callback?error=access_denied', 'login', 'logout', 'start', 'start?t=x']) {
  test(`the route ${path} is a page for a person`, async (t) => {
    const { front, visitor } = stages.https;
    const tab = await (await visitor(t)).tab();
    await tab.open(`${SHOP}/telenor/${path}`);
    const { status, headers } = await front.seen(({ url }) => url.pathname.startsWith('/telenor/'));
    assert.ok(status === 303 || headers['content-type'].startsWith('text/html'), headers['content-type']);
    await tab.until(`/^(nb|en)$/.test(document.documentElement.lang)`);
  });
}

const FRAMES = {
  iframe: '<iframe title="" src="/whoami"></iframe>',
  embed: '<embed src="/whoami">',
  object: '<object data="/whoami"></object>',
};

for (const [name, html] of Object.entries(FRAMES)) {
  test(`an ${name} of a guarded page shows nothing for scripts, and starts no login`, async (t) => {
    const { front, visitor } = stages.https;
    const tab = await (await visitor(t)).tab();
    front.serve(`${SHOP}/framed`, `<!doctype html><title>Framed</title><body>${html}`);
    await tab.open(`${SHOP}/framed`);
    const { status, headers } = await front.seen(({ url }) => url.pathname === '/whoami');
    assert.equal(status, 401);
    assert.equal(headers.location, undefined);
    assert.equal(headers['set-cookie'], undefined);
    assert.match(headers['content-type'], /^text\/html/);
    assert.match(headers['content-security-policy'], /frame-ancestors 'none'/);
  });
}
