// A SOCKS proxy (RFC 1928) through which a browser finds the hosts of the shop, and no others.
//
// It is the one kind of proxy that all three engines take: WebKitGTK speaks TLS to a proxy for https.

import { once } from 'node:events';
import net from 'node:net';

const NO_AUTHENTICATION = Buffer.from([5, 0]);
const CONNECTED = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

/** Leads port 80 of every host to the front's plain port, and port 443 to the one with TLS. */
export async function startProxy({ httpPort, httpsPort }) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    pass(socket, { 80: httpPort, 443: httpsPort }).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function pass(socket, ports) {
  const [, methods] = await read(socket, 2);
  await read(socket, methods);
  socket.write(NO_AUTHENTICATION);
  // Version, command, a reserved byte, the kind of the address.
  const [, , , kind] = await read(socket, 4);
  const [length] = kind === 3 ? await read(socket, 1) : [kind === 1 ? 4 : 16];
  await read(socket, length);
  const port = (await read(socket, 2)).readUInt16BE();
  if (!ports[port]) throw new Error(`nothing is at port ${port}`);

  const onward = net.connect(ports[port], '127.0.0.1');
  onward.on('error', () => socket.destroy());
  onward.on('close', () => socket.destroy());
  socket.on('close', () => onward.destroy());
  socket.write(CONNECTED);
  socket.pipe(onward).pipe(socket);
}

async function read(socket, length) {
  for (;;) {
    const bytes = socket.read(length);
    if (bytes) return bytes;
    if (socket.destroyed) throw new Error('the browser went away');
    await once(socket, 'readable');
  }
}
