// The environment of the tests in Firefox and WebKitGTK.

import { openShop } from '../browser/shop.mjs';
import { startProxy } from './proxy.mjs';

const MODULES = { firefox: './firefox.mjs', webkit: './webkit.mjs' };

export async function openStage(settings, engine) {
  const { launch } = await import(MODULES[engine]);
  const shop = await openShop(settings);
  const proxy = await startProxy(shop.front);
  const browser = await launch(shop, proxy);
  return {
    ...shop,
    async visitor(t) {
      shop.front.reset();
      const visitor = await browser.visitor();
      t.after(() => visitor.close());
      return visitor;
    },
    async close() {
      await browser.close();
      await proxy.close();
      await shop.close();
    },
  };
}
