// The real proxies, each with its file of this directory, on free ports.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeCertificate } from '../browser/certificate.mjs';

const run = promisify(execFile);

// Debian puts them where an ordinary user does not look.
process.env.PATH += ':/usr/sbin:/sbin';

const APACHE_MODULES = ['mpm_event', 'authz_core', 'alias', 'ssl', 'http2', 'proxy', 'proxy_http', 'socache_shmcb'];

/**
 * For each proxy: its section of docs/proxy.md, its files and the names that they get, what the
 * system's configuration adds to them in production, and how it starts and says its version.
 */
export const PROXIES = {
  nginx: {
    heading: 'nginx',
    files: { 'nginx.conf': 'shop.conf' },
    around: {
      'nginx.conf': (directory) => `
        daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
        events {}
        http {
          client_body_temp_path ${directory}; proxy_temp_path ${directory};
          fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
          include ${directory}/shop.conf;
        }`,
    },
    start: (directory) => ['-e', `${directory}/error.log`, '-c', `${directory}/nginx.conf`],
    version: ['-v'],
  },
  haproxy: {
    heading: 'HAProxy',
    files: { 'haproxy.cfg': 'haproxy.cfg' },
    start: (directory) => ['-db', '-f', `${directory}/haproxy.cfg`],
    version: ['-v'],
  },
  caddy: {
    heading: 'Caddy',
    files: { Caddyfile: 'Caddyfile' },
    edit: (text, { http, https }) => text.replace('{', `{ admin off\n http_port ${http}\n https_port ${https}\n`),
    start: (directory) => ['run', '--adapter', 'caddyfile', '--config', `${directory}/Caddyfile`],
    version: ['version'],
  },
  traefik: {
    heading: 'Traefik',
    files: { 'traefik.yaml': 'traefik.yaml', 'traefik-routes.yaml': 'routes.yaml' },
    start: (directory) => [`--configFile=${directory}/traefik.yaml`],
    version: ['version'],
  },
  apache2: {
    heading: 'Apache httpd',
    files: { 'apache.conf': 'shop.conf' },
    around: {
      'apache.conf': (directory, { http, https }) => `
        ServerName localhost
        ServerRoot ${directory}
        PidFile ${directory}/pid
        DefaultRuntimeDir ${directory}
        ErrorLog ${directory}/error.log
        Listen ${http}
        Listen ${https}
        ${APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
        Include ${directory}/shop.conf`,
    },
    start: (directory) => ['-DFOREGROUND', '-f', `${directory}/apache.conf`],
    version: ['-v'],
  },
};

const program = (name) => process.env[name.toUpperCase()] ?? name;

/** Returns name and version, as the program says them. */
export async function nameAndVersion(name) {
  const { stdout, stderr } = await run(program(name), PROXIES[name].version);
  const [version] = /\d+\.\d+\.\d+/.exec(stdout + stderr);
  return `${name} ${version}`;
}

/** Starts a proxy in front of two apps: one by the whole path, one without `/kunde`. */
export async function startProxy(name, { shop, kunde }) {
  const { files, around = {}, edit = (text) => text, start } = PROXIES[name];
  const directory = await mkdtemp(join(tmpdir(), `telenor-auth-${name}-`));
  const { cert, key, ca } = await makeCertificate(directory, ['shop.example']);
  await writeFile(join(directory, 'both.pem'), `${cert}${key}`);
  const ports = { http: await freePort(), https: await freePort() };

  const here = (text) =>
    text
      .replaceAll('127.0.0.1:3000', new URL(shop).host)
      .replaceAll('127.0.0.1:3001', new URL(kunde).host)
      .replaceAll(/\/(etc|var\/log)\/shop\//g, `${directory}/`)
      .replaceAll(/(listen |:)443\b/g, `$1${ports.https}`)
      .replaceAll(/(listen |:)80\b/g, `$1${ports.http}`);
  for (const [from, to] of Object.entries(files)) {
    const text = await readFile(new URL(from, import.meta.url), 'utf8');
    await writeFile(join(directory, to), edit(here(text), ports));
  }
  for (const [to, text] of Object.entries(around)) {
    await writeFile(join(directory, to), text(directory, ports));
  }

  const environment = { PATH: process.env.PATH, HOME: directory };
  const child = spawn(program(name), start(directory), { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  // Workers of nginx and Apache end with it, unlike after SIGKILL.
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  let [output, stopped] = ['', false];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  while (!(await isReady(ports.http))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  return {
    ca,
    httpPort: ports.http,
    httpsPort: ports.https,
    /** Returns everything that it has written. Only then all of it is written. */
    async stop() {
      if (stopped) return;
      stopped = true;
      process.removeListener('exit', end);
      end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      const logs = (await readdir(directory)).filter((file) => file.endsWith('.log'));
      const texts = await Promise.all(logs.map((file) => readFile(join(directory, file), 'utf8')));
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      return [output, ...texts].join('\n');
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether the proxy knows its routes, which can be later than its first connection. */
async function isReady(port) {
  const request = get({ host: '127.0.0.1', port, headers: { host: 'shop.example' }, agent: false });
  try {
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode < 400;
  } catch {
    return false;
  }
}
