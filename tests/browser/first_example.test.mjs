// The first example of README.md and its change for production, which scripts/first-example builds.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { agree } from './steps.mjs';

const path = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

const app = spawn(path('target/debug/shop'), { stdio: ['ignore', 'pipe', 'inherit'] });
const origin = await announced(app);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-gpu', '--no-first-run', '--disable-background-networking'],
  chromiumSandbox: false,
});
after(async () => {
  await browser.close();
  app.kill('SIGKILL');
});

/** Returns the address that a program prints. */
async function announced(program) {
  for await (const line of createInterface({ input: program.stdout })) return line.replace('open ', '');
  throw new Error('the program ended without an address');
}

/** Returns a tab of a new user, on the first page. */
async function open(t) {
  const context = await browser.newContext({ locale: 'nb-NO' });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  return page;
}

test('the first example of the README signs a user in and out', async (t) => {
  const page = await open(t);
  await page.click('a');
  await agree(page);
  await page.getByText('Hei, Kari!').waitFor();
  assert.equal(page.url(), `${origin}/checkout`);

  await page.goto(`${origin}/telenor/logout`);
  await page.click('form button');
  await page.goto(`${origin}/checkout`);
  await page.locator('#continue').waitFor();
});

test('the first example of the README leaves unknown paths a 404', async (t) => {
  const page = await open(t);
  const unknown = `${origin}/nowhere`;
  // Chromium shows an error page of its own in place of an empty response.
  const opened = page.goto(unknown).catch(() => {});
  const response = await page.waitForResponse(unknown);
  await opened;
  assert.equal(response.status(), 404);
});

test('the change for production in the README needs nothing but the settings that it names', async (t) => {
  const readme = readFileSync(path('README.md'), 'utf8');
  const [, settings] = /^```sh\n(export TELENOR[^]*?)^```/m.exec(readme);
  const program = path('target/debug/production');
  const unset = spawnSync(program, { env: {}, encoding: 'utf8' });
  assert.equal(unset.status, 1);
  assert.match(unset.stderr, /TELENOR_CLIENT_ID/);

  const shell = spawn('bash', ['-c', `${settings}\nexec ${program}`], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => shell.kill('SIGKILL'));
  const page = http.get(`${await announced(shell)}/checkout`, { headers: { accept: 'text/html' } });
  const [{ headers }] = await once(page, 'response');
  assert.match(headers.location, /^https:\/\/api\.telenor\.no\/oauth\/v2\/authorize\?/);
});

test('the first example of the README is the example `minimal`', () => {
  const [, readme] = /^```rust.*\n([^]*?)^```/m.exec(readFileSync(path('README.md'), 'utf8'));
  const example = readFileSync(path('examples/minimal.rs'), 'utf8');
  assert.ok(example.endsWith(`\n${readme}`), 'README.md has the text to keep');
});
