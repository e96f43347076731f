// A reverse proxy in front of the shop: it terminates TLS, records requests and responses, and can
// change them.

import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';

const DEADLINE = 10_000;

/** Forwards every request to the shop with its Host header, for any name of the host. */
export class Front {
  /** Every request that has a response, the oldest first. */
  answered = [];
  /** Names of the cookies that never reach the browser. */
  dropsCookie = () => false;
  /** Names of the request headers that never reach the shop. */
  dropsHeader = () => false;
  /** Headers that an app around the browser adds to every request. */
  adds = {};
  #pages = new Map();
  #waiting = new Set();
  #agent = new http.Agent({ keepAlive: true });
  #servers = [];
  #origin;

  /** Sets the address of the shop. */
  leadTo(origin) {
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

  /** Serves a page of the test at an address, in place of the shop. Forms still reach the shop. */
  serve(url, body, { status = 200, ...headers } = {}) {
    this.#pages.set(url, { body, status, headers });
  }

  /** Returns the first request with a response that fits, past or future. */
  async seen(fits) {
    const past = this.answered.find(fits);
    if (past) return past;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no request came for which ${fits}`)), DEADLINE);
      this.#waiting.add({ fits, resolve, late });
    });
  }

  /** Removes every change and every record. */
  reset() {
    this.answered = [];
    this.dropsCookie = () => false;
    this.dropsHeader = () => false;
    this.adds = {};
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
    if (page && request.method === 'GET') {
      answer(page.status, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
      response.end(page.body);
      return;
    }

    const { hostname, port } = this.#origin;
    const onward = http.request({
      hostname,
      port,
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: [
        ...kept(request.rawHeaders, (name) => !this.dropsHeader(name)),
        ...Object.entries(this.adds).flat(),
      ],
    });
    onward.on('response', (back) => {
      const isDropped = (name, value) => name === 'set-cookie' && this.dropsCookie(value.split('=', 1)[0]);
      answer(back.statusCode, back.headers, kept(back.rawHeaders, (...line) => !isDropped(...line)));
      back.pipe(response);
    });
    // Browsers close a connection that they no longer need, which is not an error.
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
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

/** Returns the lines of a header for which `fits` holds, as Node.js lists them. */
function kept(rawHeaders, fits) {
  const lines = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = rawHeaders.slice(at, at + 2);
    if (fits(name.toLowerCase(), value)) lines.push(name, value);
  }
  return lines;
}
