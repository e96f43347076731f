// The stage of every test here: the shop behind TLS at https://shop.test, and a browser that finds nothing else.
//
// DEMO, CHROMIUM and CERTUTIL name the programs to use in place of the usual ones.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { makeCertificate, trust } from './certificate.mjs';
import { startDemo } from './demo.mjs';
import { Front } from './front.mjs';

export const SHOP = 'https://shop.test';
/** Another site's machine under the same registered name, such as a forgotten campaign page. */
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

/** Opens a stage for one test file; `settings` are environment variables of the demo. */
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
    // What people have and automation goes without: pages kept alive for the Back button.
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
    /** A person with a browser of their own, for the length of one test. */
    async visitor(t, wishes) {
      return welcome(t, await browser.newContext({ locale: 'nb-NO', ...wishes }));
    },
    /** The same for somebody whose browser is set up in a way of its own. */
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
