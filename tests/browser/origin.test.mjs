// A page of another origin changes nothing in the name of a signed-in user, and opens no WebSocket.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { NEIGHBOR, SHOP } from './shop.mjs';
import { agree, isEngine, openAnyStage } from './tab.mjs';

const stage = await openAnyStage();
after(() => stage.close());

const PLAIN = SHOP.replace('https', 'http');
const SOCKET = `<!doctype html><title>Socket</title>
  <script>new WebSocket('${SHOP.replace('http', 'ws')}/whoami?socket')</script>`;
const FORM = `<!doctype html><title>Form</title>
  <form method="post" action="${SHOP}/orders"><input name="name" value="Kari"><button>Send</button></form>`;
const SCRIPT = `<!doctype html><title>Script</title><script>
  fetch('${SHOP}/orders', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'name=Kari' });
</script>`;

const isOrder = ({ method, url }) => method === 'POST' && url.pathname === '/orders';
const isSocket = ({ url }) => url.search === '?socket';

/** A tab with a session, on a page of the test at this origin. */
async function visit(t, origin, page, headers) {
  const tab = await (await stage.visitor(t)).tab();
  await tab.open(`${SHOP}/whoami`);
  await agree(tab);
  await tab.at(`${SHOP}/whoami`);
  stage.front.serve(`${origin}/page`, page, headers);
  await tab.open(`${origin}/page`);
  return tab;
}

const assertUser = ({ sent }) => assert.match(sent.cookie, /__Host-telenor-session=/);

test("a form of the shop's own is taken", async (t) => {
  const tab = await visit(t, SHOP, FORM);
  await tab.click('button');
  assert.equal((await stage.front.seen(isOrder)).status, 422, 'the shop looks at the form');
});

test("a form of the shop's own that hides where it is from is taken", async (t) => {
  const tab = await visit(t, SHOP, FORM, { 'referrer-policy': 'no-referrer' });
  await tab.click('button');
  const { sent, status } = await stage.front.seen(isOrder);
  assert.equal(sent.origin, 'null');
  assert.equal(status, 422);
});

test("a WebSocket of the shop's own page reaches the shop", async (t) => {
  await visit(t, SHOP, SOCKET);
  const { sent, status } = await stage.front.seen(isSocket);
  assert.equal(sent.upgrade, 'websocket');
  assert.equal(status, 200, 'the handler responds');
});

// Chromium sends no cookie from the page on plain http, since it counts as another site there.
const origins = { 'a sibling host': NEIGHBOR, ...(!isEngine('chromium') && { 'plain http': PLAIN }) };
for (const [whose, origin] of Object.entries(origins)) {
  for (const headers of [{}, { 'referrer-policy': 'no-referrer' }]) {
    const hidden = headers['referrer-policy'] ? ', which hides its address,' : '';

    test(`a form of ${whose}${hidden} is refused with a page`, async (t) => {
      const tab = await visit(t, origin, FORM, headers);
      await tab.click('button');
      await tab.failure('cross_origin_request');
      const order = await stage.front.seen(isOrder);
      assert.equal(order.status, 403);
      assertUser(order);
      await tab.click('.primary');
      await tab.at(`${SHOP}/`);
    });

    test(`a script of ${whose}${hidden} is refused`, async (t) => {
      await visit(t, origin, SCRIPT, headers);
      const order = await stage.front.seen(isOrder);
      assert.equal(order.status, 403);
      assertUser(order);
    });

    test(`a WebSocket of ${whose}${hidden} is refused`, async (t) => {
      await visit(t, origin, SOCKET, headers);
      const socket = await stage.front.seen(isSocket);
      assert.equal(socket.status, 403);
      assertUser(socket);
    });
  }
}
