// The environment of every test: the shop behind TLS at https://shop.test, and a Chromium that can
// reach no other host.
//
// DEMO, CHROMIUM and CERTUTIL set other programs than the default ones.

import { chromium } from 'playwright-core';

import { trust } from './certificate.mjs';
import { HOSTS, openShop } from './shop.mjs';

export { NEIGHBOR, SHOP, STRANGER } from './shop.mjs';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a stage for one test file. `settings` are those of the shop. */
export async function openStage(settings) {
  const shop = await openShop(settings);
  const { directory, certificate, front } = shop;
  const flags = await trust(directory, certificate);

  const found = [
    ...HOSTS.flatMap((host) => [
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
    ...shop,
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
      await shop.close();
    },
  };
}
