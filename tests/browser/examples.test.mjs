// Two examples whose pages have a script: websocket and javascript.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { agree } from './steps.mjs';

const children = [];

/** Starts an example with its mock gateway, and returns its origin. */
async function start(name) {
  const program = fileURLToPath(new URL(`../../target/debug/examples/${name}`, import.meta.url));
  const child = spawn(program, { env: { LISTEN: '127.0.0.1:0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line.replace('open ', '');
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-gpu', '--no-first-run', '--disable-background-networking'],
  chromiumSandbox: false,
});
after(async () => {
  await browser.close();
  for (const child of children) child.kill('SIGKILL');
});

/** Returns a tab of a new user, on the first page. */
async function open(t, origin) {
  const context = await browser.newContext({ locale: 'nb-NO' });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  return page;
}

/** Waits until both answers have come. */
async function assertListens(page) {
  for (const id of ['socket', 'events']) {
    await page.locator(`#${id}`, { hasText: /^\d+ s$/ }).waitFor();
  }
}

async function assertEnded(page) {
  for (const id of ['socket', 'events']) {
    await page.locator(`#${id}`, { hasText: 'økten er over' }).waitFor();
  }
  assert.ok(await page.getByRole('link', { name: 'Logg inn igjen' }).isVisible());
}

test('a logout in another tab ends both answers of a page, and a login makes both go on', async (t) => {
  const origin = await start('websocket');
  const page = await open(t, origin);
  await agree(page);
  await assertListens(page);
  const other = await page.context().newPage();
  await other.goto(origin);
  await other.getByRole('button', { name: 'Logg ut' }).click();
  await assertEnded(page);
  await page.click('text=Logg inn igjen');
  await agree(page);
  await assertListens(page);
});

test('a script without a session leads to a login, and back to its page', async (t) => {
  const page = await open(t, await start('javascript'));
  await page.getByText('Ikke innlogget').waitFor();
  await page.click('#orders');
  await agree(page);
  await page.getByText(/^Innlogget, \d+ minutter igjen$/).waitFor();
  await page.click('#orders');
  await page.locator('#answer', { hasText: 'Anorakk' }).waitFor();
  await page.click('#user');
  await page.locator('#answer', { hasText: '"givenName": "Kari"' }).waitFor();
});
