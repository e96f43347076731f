// The pictures of the pages in README.md and docs/, which scripts/pictures copies from
// target/pictures to docs/pictures.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openStage, SHOP } from './stage.mjs';
import { assertFailurePage, assertFilled } from './steps.mjs';

const PICTURES = fileURLToPath(new URL('../../target/pictures', import.meta.url));
mkdirSync(PICTURES, { recursive: true });

/** Of a picture that is loaded with the README, in bytes. */
const LIMIT = 60_000;
const PHONE = { width: 360, height: 700 };
/** In pixels, for a column of text that shows it at two thirds. */
const WIDTH = 1280;

const stage = await openStage();
after(() => stage.close());

test('the picture of a login has its four pages and is small', async (t) => {
  const context = await stage.visitor(t, { viewport: PHONE, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  const scenes = [];
  const see = async (caption) => {
    const shot = await page.screenshot();
    scenes.push({ caption, url: `data:image/png;base64,${shot.toString('base64')}` });
  };

  await page.goto(SHOP);
  await see('Your app links to a guarded page.');
  await page.click('text=Til kassen');
  await page.click('#continue');
  await page.locator('#allow').waitFor();
  await see('The user consents at Telenor (here: the mock).');
  await page.click('#allow');
  await page.waitForURL(`${SHOP}/checkout`);
  await assertFilled(page);
  await page.locator('#delivery-form').evaluate((form) => form.scrollIntoView());
  await see('Your handler has the name and the address.');

  await context.clearCookies();
  await page.goto(`${SHOP}/checkout`);
  await page.click('#continue');
  await page.click('#deny');
  await assertFailurePage(page, 'access_denied');
  await see('A user who says no gets a page of the layer.');

  const picture = await compose(context, scenes);
  assert.ok(picture.length < LIMIT, `${picture.length} bytes`);
  writeFileSync(join(PICTURES, 'login.webp'), picture);
});

/** Returns the scenes side by side as a WebP file. */
async function compose(context, scenes) {
  const page = await context.newPage();
  const figures = scenes.map(
    ({ caption, url }) => `<figure><img src="${url}"><figcaption>${caption}</figcaption></figure>`,
  );
  await page.setViewportSize({ width: 1600, height: 900 });
  await page.setContent(`<!doctype html><style>
    body { margin: 0 }
    main { display: inline-flex; gap: 24px; padding: 24px; background: #e9ecef }
    figure { margin: 0; width: ${PHONE.width}px; font: 600 20px/1.3 sans-serif; color: #212529 }
    img { display: block; width: 100%; border-radius: 20px }
    figcaption { padding-top: 14px }
  </style><main>${figures.join('')}</main>`);
  const all = await page.locator('main').screenshot();
  const webp = await page.evaluate(async ([png, width]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const scale = width / image.width;
    const canvas = new OffscreenCanvas(width, Math.round(image.height * scale));
    const drawing = canvas.getContext('2d');
    drawing.imageSmoothingQuality = 'high';
    drawing.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.6 });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  }, [all.toString('base64'), WIDTH]);
  await page.close();
  return Buffer.from(webp);
}
