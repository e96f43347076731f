// WebKitGTK's MiniBrowser over WebDriver. It needs a display.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

import { Builder, By, Capabilities } from 'selenium-webdriver';

const LIBRARIES = '/usr/lib/x86_64-linux-gnu';

/** Debian has it beside the library, and one folder for each version of its interface. */
function miniBrowser() {
  if (process.env.MINI_BROWSER) return process.env.MINI_BROWSER;
  const folder = readdirSync(LIBRARIES).findLast((name) => name.startsWith('webkit2gtk-4'));
  return join(LIBRARIES, folder, 'MiniBrowser');
}

export async function launch({ directory }, proxy) {
  const port = await freePort();
  const server = spawn('WebKitWebDriver', [`--port=${port}`], {
    env: { ...process.env, HOME: directory, LANG: 'nb_NO.UTF-8', LANGUAGE: 'nb_NO' },
    stdio: 'ignore',
  });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  await listening(port);

  const options = {
    binary: miniBrowser(),
    // The capability for proxies knows none that leads https on.
    args: ['--automation', `--proxy=socks5://127.0.0.1:${proxy.port}`, '--ignore-host=127.0.0.1'],
  };
  const capabilities = new Capabilities({
    browserName: 'MiniBrowser',
    acceptInsecureCerts: true,
    'webkitgtk:browserOptions': options,
  });
  return {
    /** The driver knows one browser at a time. */
    async visitor() {
      const builder = new Builder().usingServer(`http://127.0.0.1:${port}`).disableEnvironmentOverrides();
      const driver = await builder.withCapabilities(capabilities).build();
      await driver.manage().setTimeouts({ pageLoad: 10_000, script: 10_000 });
      let isNew = true;
      return {
        async page() {
          if (!isNew) await driver.switchTo().newWindow('tab');
          isNew = false;
          return new WebKitPage(driver, await driver.getWindowHandle());
        },
        close: () => driver.quit(),
      };
    },
    async close() {
      process.removeListener('exit', kill);
      const exit = once(server, 'exit');
      kill();
      await exit;
    },
  };
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port) {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.destroy();
      return;
    } catch {
      // Not yet.
    }
  }
}

class WebKitPage {
  #driver;
  #handle;

  constructor(driver, handle) {
    this.#driver = driver;
    this.#handle = handle;
  }

  open = async (url) => (await this.#here()).get(url);
  back = async () => (await this.#here()).navigate().back();
  reload = async () => (await this.#here()).navigate().refresh();
  url = async () => (await this.#here()).getCurrentUrl();
  run = async (script) => (await this.#here()).executeScript(`return (${script})`);
  click = async (css) => (await this.#find(css)).click();
  fill = async (css, text) => (await this.#find(css)).sendKeys(text);
  choose = async (css, file) => (await this.#find(css)).sendKeys(file);

  async #here() {
    await this.#driver.switchTo().window(this.#handle);
    return this.#driver;
  }

  async #find(css) {
    return (await this.#here()).findElement(By.css(css));
  }
}
