// The pictures of the layer's pages in docs/failures.md. scripts/pictures runs this. Names of
// pictures, such as `page-denied`, choose among them.

import { mkdir, readFile, writeFile } from 'node:fs/promises';

import { picturesOf } from './embed_pictures.mjs';
import { pagesOf } from './pages.mjs';
import { openStage } from './stage.mjs';

const root = new URL('../../', import.meta.url);
const PHONE = { width: 360, height: 480 };
/** In pixels, for a column of a table. */
const WIDTH = 180;

await mkdir(new URL('docs/pictures/', root), { recursive: true });
await takePages(process.argv.slice(2));

/** Takes each page that the chapter shows, in English as the chapter is. */
async function takePages(chosen) {
  const stage = await openStage();
  const open = pagesOf(stage);
  const settings = { locale: 'en-GB', viewport: PHONE, reducedMotion: 'reduce', colorScheme: 'light' };
  try {
    for (const [label, target] of await picturesOf('failures')) {
      if (chosen.length > 0 && !chosen.includes(label)) continue;
      const context = await stage.visitor({ after() {} }, settings);
      const page = await context.newPage();
      const name = label.slice('page-'.length);
      if (open[name]) await open[name](page);
      else await page.setContent(await written(name));
      await page.locator('h1').waitFor();
      const png = await page.screenshot({ fullPage: true });
      await writeFile(new URL(`docs/${target}`, root), await smaller(context, png));
      await context.close();
    }
  } finally {
    await stage.close();
  }
}

/** Returns a page that no click leads to, as the library writes it. It must not lead on by itself. */
async function written(name) {
  const html = await readFile(new URL(`target/pages/${name}.html`, root), 'utf8');
  return html.replace(/<meta http-equiv="?refresh[^>]*>/, '');
}

/** Returns a picture as WebP of the width of a column. */
async function smaller(context, png) {
  const page = await context.newPage();
  const draw = async ([png, width]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = new OffscreenCanvas(width, Math.round((image.height * width) / image.width));
    const drawing = canvas.getContext('2d');
    drawing.imageSmoothingQuality = 'high';
    drawing.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.3 });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  };
  const webp = await page.evaluate(draw, [png.toString('base64'), WIDTH]);
  await page.close();
  return Buffer.from(webp);
}
