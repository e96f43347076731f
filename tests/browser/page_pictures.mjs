// The pictures of the layer's pages in docs/failures.md, and all pictures of the manual as parts of
// its pages: rustdoc shows no relative picture. scripts/pictures runs this.

import { mkdir, readFile, writeFile } from 'node:fs/promises';

import { pagesOf } from './pages.mjs';
import { openStage } from './stage.mjs';

const root = new URL('../../', import.meta.url);
const PHONE = { width: 360, height: 480 };
/** In pixels, for a column of a table. */
const WIDTH = 180;
const KINDS = { svg: 'svg+xml', webp: 'webp' };

await mkdir(new URL('docs/pictures/', root), { recursive: true });
await takePages();
for (const chapter of ['how_it_works', 'failures']) await embed(chapter);

/** Takes each page that the chapter shows, in English as the chapter is. */
async function takePages() {
  const stage = await openStage();
  const open = pagesOf(stage);
  const settings = { locale: 'en-GB', viewport: PHONE, reducedMotion: 'reduce', colorScheme: 'light' };
  try {
    for (const [label, target] of await picturesOf('failures')) {
      const context = await stage.visitor({ after() {} }, settings);
      const page = await context.newPage();
      await open[label.slice('page-'.length)](page);
      await page.locator('h1').waitFor();
      const png = await page.screenshot({ fullPage: true });
      await writeFile(new URL(`docs/${target}`, root), await smaller(context, png));
      await context.close();
    }
  } finally {
    await stage.close();
  }
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

/** Writes the pictures of a chapter as definitions of links, which stand before its own. */
async function embed(chapter) {
  let definitions = '';
  for (const [label, target] of await picturesOf(chapter)) {
    const bytes = await readFile(new URL(`docs/${target}`, root));
    const kind = KINDS[target.split('.').pop()];
    definitions += `[${label}]: data:image/${kind};base64,${bytes.toString('base64')}\n`;
  }
  await writeFile(new URL(`src/manual/pictures/${chapter}.md`, root), definitions);
}

/** Returns the label and the path of each picture of a chapter. */
async function picturesOf(chapter) {
  const text = await readFile(new URL(`docs/${chapter}.md`, root), 'utf8');
  return [...text.matchAll(/^\[([^\]]+)\]: (pictures\/\S+)$/gm)].map(([, label, target]) => [label, target]);
}
