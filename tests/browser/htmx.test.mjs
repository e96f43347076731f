// HTMX opens pages in place of the browser, and parts of them.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';

import { SHOP } from './shop.mjs';
import { agree, isFilled, openAnyStage } from './tab.mjs';

const stage = await openAnyStage();
after(() => stage.close());

const { resolve } = createRequire(import.meta.url);

for (const [version, name] of [[2, 'htmx.org'], [4, 'htmx.org-4']]) {
  const script = await readFile(resolve(`${name}/dist/htmx.min.js`), 'utf8');

  const open = async (t, html) => {
    const tab = await (await stage.visitor(t)).tab();
    stage.front.serve(`${SHOP}/htmx.js`, script, { 'content-type': 'text/javascript' });
    stage.front.serve(`${SHOP}/boosted`, `<!doctype html><title>Boosted</title><script src="/htmx.js"></script>${html}`);
    await tab.open(`${SHOP}/boosted`);
    return tab;
  };
  const boosted = (href) => `<body hx-boost:inherited="true" hx-boost="true"><a href="${href}">Go</a>`;

  test(`a boosted link to a guarded page comes back to that page (htmx ${version})`, async (t) => {
    const tab = await open(t, boosted('/checkout?n=1'));
    await tab.click('a');
    await agree(tab);
    await tab.at(`${SHOP}/checkout?n=1`);
    await isFilled(tab);
  });

  test(`a boosted link to the login leads to where it says (htmx ${version})`, async (t) => {
    const tab = await open(t, boosted('/telenor/login?return_to=/whoami'));
    await tab.click('a');
    await agree(tab);
    await tab.at(`${SHOP}/whoami`);
  });

  test(`a guarded part of a page leads to a login that comes back to the page (htmx ${version})`, async (t) => {
    const tab = await open(t, '<body><p hx-get="/whoami" hx-trigger="load, every 1s">Part</p>');
    await agree(tab);
    await tab.at(`${SHOP}/boosted`);
    await tab.until(`/^[0-9a-f]{64}$/.test(document.querySelector('p').innerText)`);
  });
}
