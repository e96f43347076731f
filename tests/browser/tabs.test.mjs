// Logins in several tabs do not disturb each other.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openStage, SHOP } from './stage.mjs';
import { agree, whoami } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

test('each of three tabs ends on its own page, in any order', async (t) => {
  const context = await stage.visitor(t);
  const paths = ['/checkout?tab=1', '/whoami?tab=2', '/checkout?tab=3&with=%C3%B8'];
  const tabs = [];
  for (const path of paths) {
    const tab = await context.newPage();
    await tab.goto(SHOP + path);
    tabs.push(tab);
  }
  for (const at of [1, 2, 0]) {
    await agree(tabs[at]);
    await tabs[at].waitForURL(SHOP + paths[at]);
  }
  const names = (await context.cookies()).map(({ name }) => name);
  assert.ok(!names.some((name) => name.includes('-login-')), `no pending login is left: ${names}`);
});

test('a late tab uses the session of the browser', async (t) => {
  const context = await stage.visitor(t);
  const late = await context.newPage();
  await late.goto(`${SHOP}/checkout`);
  const first = await context.newPage();
  await first.goto(`${SHOP}/whoami`);
  await agree(first);
  await first.waitForURL(`${SHOP}/whoami`);
  const before = await whoami(context);
  await agree(late);
  await late.waitForURL(`${SHOP}/checkout`);
  assert.notEqual(await whoami(context), before);
});
