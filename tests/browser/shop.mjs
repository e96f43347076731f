// The shop behind TLS at https://shop.test, which every engine's browser can reach through a front.
//
// DEMO and CERTUTIL set other programs than the default ones.

import { mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeCertificate } from './certificate.mjs';
import { startDemo } from './demo.mjs';
import { Front } from './front.mjs';

export const SHOP = 'https://shop.test';
/** A sibling host under the same registrable domain, such as a forgotten campaign page. */
export const NEIGHBOR = 'https://neighbor.shop.test';
/** Another site, such as a payment provider. */
export const STRANGER = 'https://stranger.test';

/** The hosts that lead to the front. */
export const HOSTS = ['shop.test', '*.shop.test', 'stranger.test'];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}

/**
 * Opens the shop for one test file.
 *
 * `settings` are environment variables of the demo, or a function of the front that returns them.
 */
export async function openShop(settings = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'telenor-auth-browser-'));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);

  const certificate = await makeCertificate(directory, HOSTS);
  const front = new Front();
  await front.listen(certificate);
  const chosen = typeof settings === 'function' ? settings(front) : settings;
  const demo = await startDemo({ TELENOR_REDIRECT_URI: `${SHOP}/telenor/callback`, ...chosen });
  front.leadTo(demo.origin);

  return {
    directory,
    certificate,
    front,
    demo,
    gateway: demo.gateway,
    async close() {
      await Promise.all([front.close(), demo.stop()]);
      process.removeListener('exit', remove);
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
