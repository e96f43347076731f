// Firefox over WebDriver BiDi.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { trustIn } from '../browser/certificate.mjs';

export async function launch({ directory, certificate }, proxy) {
  const profile = join(directory, 'firefox');
  await mkdir(profile);
  await trustIn(profile, certificate);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    userDataDir: profile,
    headless: true,
    env: { ...process.env, HOME: directory },
    extraPrefsFirefox: {
      'intl.accept_languages': 'nb-NO, nb',
      'network.proxy.type': 1,
      'network.proxy.socks': '127.0.0.1',
      'network.proxy.socks_port': proxy.port,
      'network.proxy.socks_remote_dns': true,
    },
  });
  return {
    async visitor() {
      const context = await browser.createBrowserContext();
      return {
        page: async () => new FirefoxPage(await context.newPage()),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

class FirefoxPage {
  #page;

  constructor(page) {
    this.#page = page;
  }

  open = (url) => this.#page.goto(url);
  back = () => this.#page.goBack();
  reload = () => this.#page.reload();
  url = () => this.#page.url();
  run = (script) => this.#page.evaluate(script);
  click = async (css) => (await this.#page.$(css)).click();
  fill = async (css, text) => (await this.#page.$(css)).type(text);
  choose = async (css, file) => (await this.#page.$(css)).uploadFile(file);
}
