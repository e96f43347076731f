// What stands in front of the shop: ends TLS, remembers what went by, and can be told to interfere.

import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';

const DEADLINE = 10_000;

/** Passes everything on to `origin` with the Host header it came with, whatever the name of the host. */
export class Front {
  /** Every request that was answered, oldest first. */
  answered = [];
  /** Names of the cookies that never reach the browser. */
  dropsCookie = () => false;
  #pages = new Map();
  #waiting = new Set();
  #agent = new http.Agent({ keepAlive: true });
  #servers = [];
  #origin;

  constructor(origin) {
    this.#origin = new URL(origin);
  }

  async listen({ key, cert }) {
    const listen = async (server) => {
      this.#servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server.address().port;
    };
    const handler = (scheme) => (request, response) => this.#handle(scheme, request, response);
    this.httpsPort = await listen(https.createServer({ key, cert }, handler('https')));
    this.httpPort = await listen(http.createServer(handler('http')));
  }

  /** Serves a page of the test's own at an address that the shop does not know. */
  serve(url, html, headers = {}) {
    this.#pages.set(url, { html, headers });
  }

  /** The first answered request that fits, be it of the past or still to come. */
  async seen(fits) {
    const past = this.answered.find(fits);
    if (past) return past;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no request came for which ${fits}`)), DEADLINE);
      this.#waiting.add({ fits, resolve, late });
    });
  }

  /** Back to an honest front with nothing remembered. */
  reset() {
    this.answered = [];
    this.dropsCookie = () => false;
    this.#pages.clear();
  }

  async close() {
    this.#agent.destroy();
    await Promise.all(
      this.#servers.map((server) => {
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  #handle(scheme, request, response) {
    const url = new URL(request.url, `${scheme}://${request.headers.host}`);
    const answer = (status, headers, rawHeaders = headers) => {
      response.writeHead(status, rawHeaders);
      this.#remember({ method: request.method, url, sent: request.headers, status, headers });
    };

    const page = this.#pages.get(url.origin + url.pathname);
    if (page) {
      answer(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
      response.end(page.html);
      return;
    }

    const { hostname, port } = this.#origin;
    const onward = http.request({
      hostname,
      port,
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: request.rawHeaders,
    });
    onward.on('response', (back) => {
      answer(back.statusCode, back.headers, this.#let(back.rawHeaders));
      back.pipe(response);
    });
    // Browsers hang up on what they no longer want; the shop has to live with that, and so do we.
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  #let(rawHeaders) {
    const kept = [];
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const [name, value] = rawHeaders.slice(at, at + 2);
      const dropped = name.toLowerCase() === 'set-cookie' && this.dropsCookie(value.split('=', 1)[0]);
      if (!dropped) kept.push(name, value);
    }
    return kept;
  }

  #remember(entry) {
    this.answered.push(entry);
    for (const waiting of this.#waiting) {
      if (waiting.fits(entry)) {
        this.#waiting.delete(waiting);
        clearTimeout(waiting.late);
        waiting.resolve(entry);
      }
    }
  }
}
