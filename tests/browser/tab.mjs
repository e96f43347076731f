// A tab of any engine's browser, and a stage with the browser that ENGINE names.
//
// Tests that are written with it run in Chromium as all others do, and in Firefox and WebKitGTK by
// scripts/test-engines.

import assert from 'node:assert/strict';
import { setInterval } from 'node:timers/promises';

import { SHOP } from './shop.mjs';

const ENGINE = process.env.ENGINE ?? 'chromium';
const DEADLINE = 10_000;

/** Opens a stage whose visitors have tabs of the engine. `settings` are those of the shop. */
export async function openAnyStage(settings) {
  const module = ENGINE === 'chromium' ? './chromium.mjs' : '../engines/stage.mjs';
  const { openStage } = await import(module);
  const stage = await openStage(settings, ENGINE);
  return {
    ...stage,
    /** A user with a new browser, for one test. */
    async visitor(t) {
      const browser = await stage.visitor(t);
      return { tab: async () => new Tab(await browser.page()) };
    },
  };
}

/** Whether the tests run in this engine. */
export const isEngine = (name) => ENGINE === name;

/** Consents to everything at the gateway. */
export async function agree(tab) {
  await tab.click('#continue');
  await tab.click('#allow');
}

/** Waits for the delivery form with the answers of the gateway. */
export const isFilled = (tab) => tab.until(`document.querySelector('#postal_code')?.value === '9008'`);

/** Serves a page with a form that posts to the shop. */
export function serveForm({ front }, url, action) {
  const form = `<form method="post" action="${action}"><button>Send</button></form>`;
  front.serve(url, `<!doctype html><title>Form</title>${form}`);
}

class Tab {
  #page;

  constructor(page) {
    this.#page = page;
  }

  open(url) {
    return this.#page.open(url);
  }

  back() {
    return this.#page.back();
  }

  reload() {
    return this.#page.reload();
  }

  url() {
    return this.#page.url();
  }

  /** Returns the value of an expression in the page. */
  run(script) {
    return this.#page.run(script);
  }

  click(css) {
    return this.#try(css, () => this.#page.click(css));
  }

  fill(css, text) {
    return this.#try(css, () => this.#page.fill(css, text));
  }

  choose(css, file) {
    return this.#try(css, () => this.#page.choose(css, file));
  }

  /** Waits until an expression in the page is true, across navigations. */
  async until(script) {
    const patience = AbortSignal.timeout(DEADLINE);
    for await (const _ of setInterval(25)) {
      // A page that is just replaced by the next one runs no script.
      const holds = await this.run(`Boolean(${script})`).catch(() => false);
      if (holds) return;
      if (patience.aborted) assert.fail(`${script} is not true on ${await this.#seen()}`);
    }
  }

  /** Waits for an address. */
  async at(url) {
    await this.until(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`);
  }

  /** Waits for a page of the layer that names this cause, and has one main button. */
  async failure(cause) {
    const codes = `[...document.querySelectorAll('footer code')]`;
    await this.until(`${codes}.some(({ innerText }) => innerText === ${JSON.stringify(cause)})`);
    assert.equal(await this.run(`document.querySelectorAll('.primary').length`), 1, 'one obvious button');
  }

  /** Waits for the page that says that the user is signed out. */
  async signedOut(origin = SHOP) {
    await this.at(`${origin}/telenor/logout`);
    await this.until(`!document.querySelector('form')`);
  }

  /** Does something with an element, on the page that has it by then. */
  async #try(css, act) {
    const has = `document.querySelector(${JSON.stringify(css)})`;
    await this.until(has);
    try {
      await act();
    } catch {
      // The next page came between the look and the deed.
      await this.until(has);
      await act();
    }
  }

  async #seen() {
    const text = await this.run('document.documentElement.innerText.slice(0, 300)').catch(String);
    return `${await this.url()}: ${text.replace(/\s+/g, ' ')}`;
  }
}
