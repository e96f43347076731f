// Every page can be read and used on a phone, in light and dark mode.
//
// The screenshots are in target/screenshots.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { pagesOf, STATUSES } from './pages.mjs';
import { openStage } from './stage.mjs';
import { barriers } from './steps.mjs';

const PICTURES = fileURLToPath(new URL('../../target/screenshots', import.meta.url));
mkdirSync(PICTURES, { recursive: true });

const PHONES = [
  { width: 390, height: 844 },
  { width: 320, height: 568 },
];
const SCHEMES = ['light', 'dark'];

const stage = await openStage();
after(() => stage.close());
const PAGES = pagesOf(stage);

for (const [name, open] of Object.entries(PAGES)) {
  testPage(name, open, { locale: 'nb-NO', lang: 'nb' });
}
testPage('denied', PAGES.denied, { locale: 'nn-NO', lang: 'nn' });
testPage('denied', PAGES.denied, { locale: 'en-GB', lang: 'en' });

function testPage(name, open, { locale, lang }) {
  const title = lang === 'nb' ? name : `${name}-${lang}`;
  test(`the page ${title} fits small phones and is accessible`, async (t) => {
    const page = await (await stage.visitor(t, { locale, reducedMotion: 'reduce' })).newPage();
    const blocked = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text());
    });

    assert.equal(await open(page), STATUSES[name] ?? 200);
    await page.locator('h1').waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), lang);

    for (const phone of PHONES) {
      for (const colorScheme of SCHEMES) {
        await page.setViewportSize(phone);
        await page.emulateMedia({ colorScheme });
        const variant = `${title}-${phone.width}-${colorScheme}`;
        await page.screenshot({ path: join(PICTURES, `${variant}.png`), fullPage: true });
        assert.deepEqual(await tooWide(page), [], `${variant} scrolls sideways`);
        assert.deepEqual(await barriers(page), [], variant);
      }
    }
    assert.deepEqual(blocked, [], 'the page obeys its own Content Security Policy');
  });
}

/** Returns the elements that are wider than the window, if the page scrolls sideways. */
const tooWide = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const all = [...document.querySelectorAll('body *')];
    return all.filter((element) => element.getBoundingClientRect().right > clientWidth).map(({ outerHTML }) => outerHTML);
  });
