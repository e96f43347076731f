// The environment of every test: the shop behind TLS at https://shop.test, and a browser that can
// reach no other host.
//
// DEMO, CHROMIUM and CERTUTIL set other programs than the default ones.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { makeCertificate, trust } from './certificate.mjs';
import { startDemo } from './demo.mjs';
import { Front } from './front.mjs';

export const SHOP = 'https://shop.test';
/** A sibling host under the same registrable domain, such as a forgotten campaign page. */
export const NEIGHBOUR = 'https://neighbour.shop.test';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}

/** Opens a stage for one test file. `settings` are environment variables of the demo. */
export async function openStage(settings = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'telenor-auth-browser-'));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);

  const certificate = await makeCertificate(directory, ['shop.test', '*.shop.test']);
  const [demo, flags] = await Promise.all([
    startDemo({ TELENOR_REDIRECT_URI: `${SHOP}/telenor/callback`, ...settings }),
    trust(directory, certificate),
  ]);
  const front = new Front(demo.origin);
  await front.listen(certificate);

  const found = [
    ...['shop.test', '*.shop.test'].flatMap((host) => [
      `MAP ${host}:443 127.0.0.1:${front.httpsPort}`,
      `MAP ${host}:80 127.0.0.1:${front.httpPort}`,
    ]),
    'MAP * ~NOTFOUND',
    'EXCLUDE 127.0.0.1',
  ];
  const options = {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, ...flags, `--host-resolver-rules=${found.join(',')}`],
    // Users have the back/forward cache, which automation disables.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    chromiumSandbox: false,
    env: { ...process.env, HOME: directory },
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  };
  const browser = await chromium.launch(options);
  const welcome = (t, context) => {
    front.reset();
    context.setDefaultTimeout(10_000);
    t.after(() => context.close());
    return context;
  };

  return {
    directory,
    front,
    gateway: demo.gateway,
    /** A user with a new browser, for one test. */
    async visitor(t, wishes) {
      return welcome(t, await browser.newContext({ locale: 'nb-NO', ...wishes }));
    },
    /** A user whose browser has a profile with settings, for one test. */
    async visitorOfProfile(t, profile) {
      return welcome(t, await chromium.launchPersistentContext(profile, { locale: 'nb-NO', ...options }));
    },
    async close() {
      await browser.close();
      await Promise.all([front.close(), demo.stop()]);
      process.removeListener('exit', remove);
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
