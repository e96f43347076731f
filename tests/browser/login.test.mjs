// A login from the first click to the filled form.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { startDemo } from './demo.mjs';
import { openStage, SHOP } from './stage.mjs';
import { agree, assertFilled, isCallback } from './steps.mjs';

const stages = {
  memory: await openStage({ TELENOR_SESSION_STORE: 'memory' }),
  cookie: await openStage({ TELENOR_SESSION_STORE: 'cookie' }),
};
after(() => Promise.all(Object.values(stages).map((stage) => stage.close())));

for (const [store, stage] of Object.entries(stages)) {
  // S64.
  test(`three clicks fill in the form, and a fourth one orders (${store} store)`, async (t) => {
    const page = await (await stage.visitor(t)).newPage();
    await page.goto(SHOP);
    for (const click of ['text=Til kassen', '#continue', '#allow']) {
      await page.click(click);
    }
    await page.waitForURL(`${SHOP}/checkout`);
    await assertFilled(page);
    await page.click('text=Kjøp for');
    await page.waitForURL(`${SHOP}/orders/thanks`);
  });
}

test('a click at another site sends the cookie of the pending login', async (t) => {
  const stage = stages.memory;
  const context = await stage.visitor(t);
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout`);
  const [pending] = await context.cookies();
  await agree(page);
  const { sent } = await stage.front.seen(isCallback);
  assert.equal(sent['sec-fetch-site'], 'cross-site');
  assert.equal(sent.cookie, `${pending.name}=${pending.value}`);
});

// S66.
test('a developer can log in over plain http on localhost', async (t) => {
  const demo = await startDemo({});
  t.after(() => demo.stop());
  const context = await stages.memory.visitor(t);
  const page = await context.newPage();
  await page.goto(`${demo.origin}/checkout`);
  await agree(page);
  await page.waitForURL(`${demo.origin}/checkout`);
  await assertFilled(page);
  for (const cookie of await context.cookies()) {
    assert.match(cookie.name, /^dev-/);
  }
});
