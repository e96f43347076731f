// A WebSocket and an event stream in a page, until the session ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { agree } from './steps.mjs';

const PROGRAM = fileURLToPath(new URL('../../target/debug/examples/live', import.meta.url));

const server = spawn(PROGRAM, { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await once(createInterface({ input: server.stdout }), 'line');
const origin = line.replace('open ', '');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-gpu', '--no-first-run', '--disable-background-networking'],
  chromiumSandbox: false,
});
after(async () => {
  await browser.close();
  server.kill('SIGKILL');
});

/** Returns the page after a login, when both answers have come. */
async function listen(t) {
  const context = await browser.newContext({ locale: 'nb-NO' });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  await agree(page);
  for (const id of ['socket', 'events']) {
    await page.locator(`#${id}`, { hasText: /^\d+ s$/ }).waitFor();
  }
  return page;
}

async function assertEnded(page) {
  for (const id of ['socket', 'events']) {
    await page.locator(`#${id}`, { hasText: 'økten er over' }).waitFor();
  }
  assert.ok(await page.getByRole('link', { name: 'Logg inn igjen' }).isVisible());
}

test('a logout in another tab ends both answers of a page', async (t) => {
  const page = await listen(t);
  const other = await page.context().newPage();
  await other.goto(origin);
  await other.getByRole('button', { name: 'Logg ut' }).click();
  await assertEnded(page);
});

test('the end of all sessions ends both, and a login makes both go on', async (t) => {
  const page = await listen(t);
  await page.click('#end-all');
  await assertEnded(page);
  await page.click('text=Logg inn igjen');
  await agree(page);
  for (const id of ['socket', 'events']) {
    await page.locator(`#${id}`, { hasText: /^\d+ s$/ }).waitFor();
  }
});
