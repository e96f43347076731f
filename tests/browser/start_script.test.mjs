// A login that starts on a page with a script, on the app's own https origin.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';

import { openStage, SHOP, STRANGER } from './stage.mjs';
import { agree, assertFilled, barriers, begun } from './steps.mjs';

const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));

// It calls a service, tries to read the app, and goes on with what the service said.
const SCRIPT = `
const go = document.getElementById('continue');
const asked = (url) => fetch(url).then((answer) => answer.text(), () => 'blocked');
Promise.all([asked('${STRANGER}/line'), asked('/telenor/session')]).then(([line, app]) => {
  document.title = line + ' ' + app;
  go.href += '&line=' + encodeURIComponent(line);
  if (line !== 'wait') go.click();
});
`;

const directory = await mkdtemp(join(tmpdir(), 'telenor-auth-script-'));
const file = join(directory, 'line.js');
await writeFile(file, SCRIPT);
const stage = await openStage({
  TELENOR_START_SCRIPT_FILE: file,
  TELENOR_START_SCRIPT_CONNECT: STRANGER,
});
after(async () => {
  await stage.close();
  await rm(directory, { recursive: true, force: true });
});

const isPage = ({ url, status }) => url.pathname === '/telenor/start' && status === 200;

/** The service that the script calls. */
function answerScript(line) {
  stage.front.serve(`${STRANGER}/line`, line, { 'access-control-allow-origin': SHOP });
}

test('the script calls its service and goes on, and the login ends in the app', async (t) => {
  const context = await stage.visitor(t);
  answerScript('seen');
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout?n=1`);
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout?n=1`);
  await assertFilled(page);

  const { url, headers } = await stage.front.seen(isPage);
  assert.equal(url.origin, SHOP);
  assert.doesNotMatch(url.href, /checkout/);
  assert.equal(headers['set-cookie'], undefined);
  const [{ headers: on }] = begun(stage);
  assert.equal(new URL(on.location).searchParams.get('line'), 'seen', 'what the script added');
  const inClearText = stage.front.answered.filter(({ url }) => url.protocol === 'http:');
  assert.equal(inClearText.length, 0);
});

test('the policy of the page lets the script reach its service and not the app', async (t) => {
  const context = await stage.visitor(t, { viewport: { width: 390, height: 844 } });
  answerScript('wait');
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout`);
  await page.waitForFunction(() => document.title === 'wait blocked');
  assert.equal(new URL(page.url()).pathname, '/telenor/start');
  const asked = stage.front.answered.filter(({ url }) => url.pathname === '/telenor/session');
  assert.equal(asked.length, 0);
  assert.deepEqual(await barriers(page), []);
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}start-script-390-light.png` });

  // A script that hangs costs a press of the button.
  await page.click('#continue');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout`);
  await assertFilled(page);
});

test('a browser without scripts goes on by itself', async (t) => {
  const context = await stage.visitor(t, { javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout?n=3`);
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout?n=3`);
});

test('Back to the page, or Reload, starts no loop and leads to the same target', async (t) => {
  const context = await stage.visitor(t);
  answerScript('seen');
  const page = await context.newPage();
  await page.goto(`${SHOP}/checkout?n=4`);
  await page.locator('#continue').waitFor();
  const { url } = await stage.front.seen(isPage);
  await page.waitForURL(`${stage.gateway}/**`);
  await page.goto(url.href);
  assert.match(page.url(), /^https:\/\/shop\.test\/telenor\/login\?resume=/);
  await page.reload();
  assert.equal(stage.front.answered.filter(isPage).length, 1, 'it was shown once');
  await page.click('.primary');
  await agree(page);
  await page.waitForURL(`${SHOP}/checkout?n=4`);
});
