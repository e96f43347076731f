// Behind a service worker of the app that passes requests on, a user sees pages and gets on.

import { after, test } from 'node:test';

import { SHOP } from './shop.mjs';
import { agree, isEngine, isFilled, openAnyStage, serveForm } from './tab.mjs';

const stage = await openAnyStage();
after(() => stage.close());

/** Answers every request through an expression. Browsers set other request headers for each. */
const passing = (expression, start = '') => `
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil((async () => { ${start}; await clients.claim(); })()));
  addEventListener('fetch', (event) => event.respondWith(${expression}));`;

const WITH_SETTINGS = 'passes requests on with settings';
const WORKERS = {
  'passes requests on': passing('fetch(event.request)'),
  [WITH_SETTINGS]: passing('fetch(event.request, { cache: "no-store" })'),
  'preloads navigations': passing(
    'event.preloadResponse.then((response) => response ?? fetch(event.request))',
    'await registration.navigationPreload.enable()',
  ),
};

/** Whether the request for a page looks like one of a script, so that the user gets a button first. */
const isLikeAScript = (does) =>
  does === WITH_SETTINGS || (isEngine('firefox') && does !== 'preloads navigations');

const INSTALL = `<!doctype html><title>Installing</title><script>
  navigator.serviceWorker.oncontrollerchange = () => { document.title = 'Installed'; };
  navigator.serviceWorker.register('/worker.js');
</script>`;

for (const [does, worker] of Object.entries(WORKERS)) {
  const visitor = async (t) => {
    const browser = await stage.visitor(t);
    stage.front.serve(`${SHOP}/worker.js`, worker, { 'content-type': 'text/javascript' });
    stage.front.serve(`${SHOP}/install`, INSTALL);
    const tab = await browser.tab();
    await tab.open(`${SHOP}/install`);
    await tab.until(`document.title === 'Installed'`);
    return tab;
  };

  test(`behind a worker that ${does}, a login fills in the form, and a logout ends it`, async (t) => {
    const tab = await visitor(t);
    await tab.open(SHOP);
    await tab.click('a[href="/checkout"]');
    if (isLikeAScript(does)) {
      await tab.failure('login_required');
      await tab.click('.primary');
    }
    await agree(tab);
    await tab.at(`${SHOP}/checkout`);
    await isFilled(tab);
    await tab.open(`${SHOP}/telenor/logout`);
    await tab.click('.primary');
    await tab.signedOut();
    await tab.open(`${SHOP}/telenor/login?return_to=/whoami`);
    await agree(tab);
    await tab.at(`${SHOP}/whoami`);
  });

  test(`behind a worker that ${does}, a lost form leads back`, async (t) => {
    const tab = await visitor(t);
    serveForm(stage, `${SHOP}/form`, `${SHOP}/orders`);
    await tab.open(`${SHOP}/form`);
    await tab.click('button');
    await tab.failure('form_not_sent');
    await tab.click('.primary');
    await agree(tab);
    // It sends its own address in place of the page's.
    await tab.at(does === WITH_SETTINGS ? `${SHOP}/` : `${SHOP}/form`);
  });

  // WebKitGTK asks for the failed callback twice there, and the second one finds no login any more.
  const skip = isEngine('webkit') && does === WITH_SETTINGS && 'the callback is sent twice';
  test(`behind a worker that ${does}, a failed login has its page, and a way on`, { skip }, async (t) => {
    const tab = await visitor(t);
    await tab.open(`${SHOP}/telenor/callback?code=code&state=AAAAAAAAAAAAAAAAAAAAAA`);
    await tab.failure('state_unknown');
    await tab.click('.primary');
    await tab.click('#continue');
    await tab.click('#deny');
    await tab.failure('access_denied');
  });
}
