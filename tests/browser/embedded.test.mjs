// Requests that cannot go through a login get 401: a page, where a person may see it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, assertFailurePage } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

const PARTS = {
  'an image': '<img alt="" src="/checkout">',
  'a script': '<script src="/checkout"></script>',
  'a style sheet': '<link rel="stylesheet" href="/checkout">',
  'a fetch': '<script>fetch("/checkout")</script>',
};

const SEEN = {
  'a frame': '<iframe title="" src="/checkout"></iframe>',
  'a fetch that asks for a page': '<script>fetch("/checkout", { headers: { accept: "text/html" } })</script>',
};

for (const [name, html] of Object.entries({ ...PARTS, ...SEEN })) {
  test(`${name} without a session gets 401 and starts no login`, async (t) => {
    const context = await stage.visitor(t);
    const page = await context.newPage();
    stage.front.serve(`${SHOP}/with-parts`, `<!doctype html><title>Parts</title><body>${html}`);
    await page.goto(`${SHOP}/with-parts`);
    const { status, headers } = await stage.front.seen(({ url }) => url.pathname === '/checkout');
    assert.equal(status, 401);
    assert.equal(headers.location, undefined);
    assert.equal(headers['set-cookie'], undefined);
    const type = name in SEEN ? 'text/html; charset=utf-8' : 'application/problem+json';
    assert.equal(headers['content-type'], type);
  });
}

test('a script gets the login URL', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  stage.front.serve(`${SHOP}/with-script`, '<!doctype html><title>Script</title>');
  await page.goto(`${SHOP}/with-script`);
  const problem = await page.evaluate(async () => (await fetch('/api/me')).json());
  assert.equal(problem.cause, 'login_required');
  await page.goto(problem.login);
  await agree(page);
  await page.waitForURL(`${SHOP}/`);
});

test('a form without a session does not reach the app, and the link leads back to its page', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  const form = '<!doctype html><title>Form</title><form method="post" action="/orders"><button>Send</button></form>';
  stage.front.serve(`${SHOP}/form`, form);
  await page.goto(`${SHOP}/form?step=2`);
  await page.click('button');
  await assertFailurePage(page, 'form_not_sent');
  const { status } = await stage.front.seen(({ method }) => method === 'POST');
  assert.equal(status, 303, 'the response to a form leads to a page that can be reloaded');
  await page.click('.primary');
  await agree(page);
  await page.waitForURL(`${SHOP}/form?step=2`);
});
