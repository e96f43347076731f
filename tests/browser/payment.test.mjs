// A payment page of another site returns to the shop by a form.

import { after, test } from 'node:test';

import { SHOP, STRANGER } from './shop.mjs';
import { agree, openAnyStage, serveForm } from './tab.mjs';

const stage = await openAnyStage();
after(() => stage.close());

async function logIn(tab) {
  await tab.open(`${SHOP}/whoami`);
  await agree(tab);
  await tab.at(`${SHOP}/whoami`);
}

/** Opens a page of another site that sends its form by itself. */
async function pay(tab) {
  const form = `<form method="post" action="${SHOP}/payment/done?id=1"></form>`;
  const script = '<script>document.forms[0].submit()</script>';
  stage.front.serve(`${STRANGER}/pay`, `<!doctype html><title>Pay</title>${form}${script}`);
  await tab.open(`${STRANGER}/pay`);
}

test('a buyer with a session ends in the shop after a payment', async (t) => {
  const tab = await (await stage.visitor(t)).tab();
  await logIn(tab);
  await pay(tab);
  await tab.at(`${SHOP}/orders/thanks`);
});

test('a buyer without a session gets one after a payment, and ends in the shop', async (t) => {
  const tab = await (await stage.visitor(t)).tab();
  await pay(tab);
  await tab.click('.primary');
  await agree(tab);
  await tab.at(`${SHOP}/orders/thanks`);
});

test("a lost form of the shop's own stays lost when there is a session", async (t) => {
  const browser = await stage.visitor(t);
  const tab = await browser.tab();
  serveForm(stage, `${SHOP}/form`, `${SHOP}/payment/done`);
  await tab.open(`${SHOP}/form`);
  await tab.click('button');
  await tab.failure('form_not_sent');
  await logIn(await browser.tab());
  await tab.reload();
  await tab.failure('form_not_sent');
});
