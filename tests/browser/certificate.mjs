// A certificate authority for one run, and the settings that make the browser trust it.

import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/** Makes an authority, and a certificate for `names` that it signs. */
export async function makeCertificate(directory, names) {
  const file = (name) => join(directory, name);
  const request = (key, cert, subject, extensions) => [
    ...['req', '-x509', ...NEW_KEY, '-keyout', file(key), '-out', file(cert), '-subj', `/CN=${subject}`],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ];
  await run(
    'openssl',
    request('ca.key', 'ca.pem', 'Browser test CA', ['keyUsage=critical,keyCertSign']),
  );
  const alternatives = names.map((name) => `DNS:${name}`).join(',');
  await run('openssl', [
    ...request('key.pem', 'cert.pem', names[0], [
      `subjectAltName=${alternatives}`,
      'basicConstraints=critical,CA:FALSE',
    ]),
    ...['-CA', file('ca.pem'), '-CAkey', file('ca.key')],
  ]);
  const [key, cert, ca] = await Promise.all(['key.pem', 'cert.pem', 'ca.pem'].map((name) => readFile(file(name))));
  return { key, cert, ca, caFile: file('ca.pem') };
}

/**
 * Makes a browser with this home trust the authority, and no other certificate.
 *
 * Returns the flags for the browser. Without NSS's `certutil`, a flag exempts the one key of this
 * run from the check.
 */
export async function trust(home, certificate) {
  const database = join(home, '.pki', 'nssdb');
  await mkdir(database, { recursive: true });
  try {
    await trustIn(database, certificate);
    return [];
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
    return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
  }
}

/** Puts the authority into a new certificate database of NSS. */
export async function trustIn(database, { caFile }) {
  const certutil = (...args) => run(process.env.CERTUTIL ?? 'certutil', ['-d', `sql:${database}`, ...args]);
  await certutil('-N', '--empty-password');
  await certutil('-A', '-n', 'browser tests', '-t', 'C,,', '-i', caFile);
}
