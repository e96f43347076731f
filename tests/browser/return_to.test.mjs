// Tricks that lead naive redirects to another host, in Chromium: how it reads them, and where a login
// with them ends. tests/proofs has all of them, and reads them as Ada does, the parser of Node.js.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openStage, SHOP } from './stage.mjs';
import { agree, isCallback } from './steps.mjs';

const stage = await openStage();
after(() => stage.close());

const list = fileURLToPath(new URL('../proofs/data/open_redirects.txt', import.meta.url));
const tricks = readFileSync(list, 'utf8').split('\n').filter(Boolean);
/** A few dozen of them, decoded once, that begin as a path does and that a header can hold. */
const sample = tricks
  .map(decoded)
  .filter((trick) => /^\/[\x21-\x7e]*$/.test(trick))
  .filter((_, at) => at % 12 === 0);

const BASE = `${SHOP}/telenor/callback`;

function decoded(trick) {
  return trick.replace(/%[0-9a-f]{2}/gi, (byte) => String.fromCharCode(Number.parseInt(byte.slice(1), 16)));
}

const resolve = ({ texts, base }) =>
  texts.map((text) => (URL.canParse(text, base) ? new URL(text, base).origin : 'none'));

test('Chromium resolves each trick as the parser of Node.js does', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  const texts = tricks.flatMap((trick) => [trick, decoded(trick), decoded(decoded(trick))]);
  const wish = { texts, base: BASE };
  const [here, there] = [await page.evaluate(resolve, wish), resolve(wish)];
  const differing = texts.filter((_, at) => (here[at] === SHOP) !== (there[at] === SHOP));
  assert.deepEqual(differing, []);
  assert.ok(here.filter((origin) => origin !== SHOP).length > 500, 'most lead elsewhere');
});

// S86, S87.
test('a login with a trick as its target ends on the origin', async (t) => {
  for (const trick of sample.filter((_, at) => at % 2 === 0)) {
    // A new user each time, since a login that follows another at once is a loop.
    const context = await stage.visitor(t);
    const page = await context.newPage();
    await page.goto(`${SHOP}/telenor/login?return_to=${encodeURIComponent(trick)}`);
    await agree(page);
    const { headers } = await stage.front.seen(isCallback);
    const [origin] = await page.evaluate(resolve, { texts: [headers.location], base: BASE });
    assert.equal(origin, SHOP, `${trick} -> ${headers.location}`);
    await page.waitForURL((url) => url.origin === SHOP);
    await context.close();
  }
});

// The same tricks by a redirect that checks for a slash alone: a sample that harms nobody would
// prove nothing.
test('a naive redirect to a trick leaves the origin', async (t) => {
  const page = await (await stage.visitor(t)).newPage();
  let left = 0;
  for (const trick of sample) {
    stage.front.serve(`${SHOP}/naive`, '', { status: 303, location: trick });
    let asked = '';
    page.once('requestfailed', (request) => (asked = request.url()));
    await page.goto(`${SHOP}/naive`).catch(() => {});
    left += Number(asked !== '' && new URL(asked).origin !== SHOP);
  }
  assert.ok(left > 15, `${left} of ${sample.length}`);
});
