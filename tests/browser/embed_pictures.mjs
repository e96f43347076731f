// Makes the pictures of the manual parts of its pages in the documentation, which shows no relative
// picture. scripts/pictures and scripts/bench run this.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const KINDS = { svg: 'svg+xml', webp: 'webp' };
/** In bytes, for one file: a package has limits, and an editor too. */
const MOST = 120_000;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const chapter of ['how_it_works', 'failures', 'performance']) await embed(chapter);
}

/** Writes the pictures of a chapter as definitions of links, which stand before its own. */
async function embed(chapter) {
  const files = [''];
  for (const [label, target] of await picturesOf(chapter)) {
    const bytes = await readFile(new URL(`docs/${target}`, root));
    const kind = KINDS[target.split('.').pop()];
    const definition = `[${label}]: data:image/${kind};base64,${bytes.toString('base64')}\n`;
    if (files.at(-1).length + definition.length > MOST) files.push('');
    files[files.length - 1] += definition;
  }
  for (const [at, definitions] of files.entries()) {
    const name = at === 0 ? chapter : `${chapter}_${at + 1}`;
    await writeFile(new URL(`src/manual/pictures/${name}.md`, root), definitions);
  }
}

/** Returns the label and the path of each picture of a chapter. */
export async function picturesOf(chapter) {
  const text = await readFile(new URL(`docs/${chapter}.md`, root), 'utf8');
  const definitions = text.matchAll(/^\[([^\]]+)\]: ((?:pictures|performance)\/\S+)$/gm);
  return [...definitions].map(([, label, target]) => [label, target]);
}
