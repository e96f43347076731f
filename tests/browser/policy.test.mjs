// The Content Security Policy of a page, where its forms lead to another origin by a redirect.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { SHOP, STRANGER } from './shop.mjs';
import { agree, isEngine, openAnyStage } from './tab.mjs';

const stage = await openAnyStage({ TELENOR_AFTER_LOGOUT: '/bye' });
after(() => stage.close());

/** Opens a page of the app with a policy, and presses the button of its form. */
async function press(t, action, policy) {
  const tab = await (await stage.visitor(t)).tab();
  const form = `<form action="${action}"><button>Go</button></form>`;
  stage.front.serve(`${SHOP}/form`, `<!doctype html><title>Form</title>${form}`, {
    'content-security-policy': policy,
  });
  await tab.open(`${SHOP}/form`);
  await tab.click('button');
  return tab;
}

for (const action of ['/whoami', '/telenor/login']) {
  test(`a form to ${action} of a page that allows forms to the gateway starts a login`, async (t) => {
    const tab = await press(t, action, `form-action 'self' ${stage.gateway}`);
    await agree(tab);
    await tab.until(`location.origin === ${JSON.stringify(SHOP)}`);
  });

  test(`a form to ${action} of a page that allows forms to itself alone starts one in Firefox only`, async (t) => {
    const tab = await press(t, action, `form-action 'self'`);
    if (isEngine('firefox')) {
      await agree(tab);
    } else {
      await stage.front.seen(({ headers }) => headers.location?.startsWith(stage.gateway));
      assert.equal(await tab.url(), `${SHOP}/form`, 'the redirect is blocked');
    }
  });
}

test('a page of the app after a logout may lead to another origin', async (t) => {
  const tab = await (await stage.visitor(t)).tab();
  await tab.open(`${SHOP}/whoami`);
  await agree(tab);
  await tab.at(`${SHOP}/whoami`);
  await tab.open(`${SHOP}/telenor/logout`);
  stage.front.serve(`${SHOP}/bye`, '', { status: 303, location: `${STRANGER}/bye` });
  stage.front.serve(`${STRANGER}/bye`, '<!doctype html><title>Bye</title>');
  await tab.click('.primary');
  await tab.at(`${STRANGER}/bye`);
});
