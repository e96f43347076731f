// Chromium's tabs for the tests that run in every engine.

import { openStage as openChromium } from './stage.mjs';

export async function openStage(settings) {
  const stage = await openChromium(settings);
  return {
    ...stage,
    async visitor(t) {
      const context = await stage.visitor(t);
      return { page: async () => new ChromiumPage(await context.newPage()) };
    },
  };
}

class ChromiumPage {
  #page;

  constructor(page) {
    this.#page = page;
  }

  open = (url) => this.#page.goto(url);
  back = () => this.#page.goBack({ waitUntil: 'commit' });
  reload = () => this.#page.reload();
  url = () => this.#page.url();
  run = (script) => this.#page.evaluate(script);
  click = (css) => this.#page.click(css);
  fill = (css, text) => this.#page.fill(css, text);
  choose = (css, file) => this.#page.setInputFiles(css, file);
}
