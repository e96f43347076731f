// A browser without a window: it keeps cookies and finds every host of the shop at the proxy.

import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const DEADLINE = 10_000;

export class Visitor {
  /** Name and value of the shop's cookies. */
  cookies = new Map();
  #proxy;
  #http2;
  #session;

  /** `proxy` has the two ports, and the authority of its certificate. */
  constructor(proxy, { useHttp2 = false } = {}) {
    this.#proxy = proxy;
    this.#http2 = useHttp2;
  }

  /** Opens an address and follows no redirect. */
  async open(address, { method = 'GET', form, headers = {} } = {}) {
    const url = new URL(address);
    const secure = url.protocol === 'https:';
    const sent = {
      accept: 'text/html',
      // A browser takes `Secure` cookies to https alone.
      ...(secure && this.cookies.size > 0 && { cookie: this.#cookieHeader() }),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    };
    const path = url.pathname + url.search;
    const reply = await (secure && this.#http2
      ? this.#overHttp2(url, { ...sent, ':method': method, ':path': path }, form)
      : this.#overHttp1(url, { method, path, headers: { host: url.host, ...sent } }, form));
    for (const line of reply.setCookie) this.#keep(line);
    return reply;
  }

  close() {
    this.#session?.close();
  }

  #cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(line) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (/; *Max-Age=0(;|$)/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  async #overHttp1(url, options, body) {
    const { httpPort, httpsPort, ca } = this.#proxy;
    const proxied = url.hostname.endsWith('shop.example');
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request({
      ...options,
      host: proxied ? '127.0.0.1' : url.hostname,
      port: proxied ? (secure ? httpsPort : httpPort) : url.port,
      ...(secure && { servername: url.hostname, ca }),
      agent: false,
      signal: AbortSignal.timeout(DEADLINE),
    });
    request.end(body);
    const [response] = await once(request, 'response');
    const { statusCode: status, headers } = response;
    return { status, headers, setCookie: headers['set-cookie'] ?? [], body: await text(response) };
  }

  async #overHttp2(url, headers, body) {
    const { httpsPort, ca } = this.#proxy;
    // Its streams fail with the session, so nothing is lost here.
    this.#session ??= http2
      .connect(`https://127.0.0.1:${httpsPort}`, { servername: url.hostname, ca })
      .on('error', () => {});
    // Browsers send each cookie in a field of its own (RFC 9113 section 8.2.3).
    const cookie = headers.cookie?.split('; ');
    const stream = this.#session.request({ ...headers, ...(cookie && { cookie }), ':authority': url.host });
    stream.setTimeout(DEADLINE, () => stream.destroy(new Error(`no answer for ${url}`)));
    stream.end(body);
    const [received] = await once(stream, 'response');
    return {
      status: received[':status'],
      headers: received,
      setCookie: received['set-cookie'] ?? [],
      body: await text(stream),
    };
  }
}

async function text(stream) {
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += chunk;
  return body;
}
