// The demo shop with its mock gateway, as a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BUILT = fileURLToPath(new URL('../../target/debug/examples/demo', import.meta.url));

/**
 * Resolves when the shop accepts requests.
 *
 * The shop inherits nothing of our environment, which might name a real gateway.
 */
export async function startDemo(settings) {
  const program = process.env.DEMO ?? BUILT;
  const child = spawn(program, {
    env: { LISTEN: '127.0.0.1:0', NO_COLOR: '1', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);

  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text));
  const gone = new Promise((_, reject) => {
    child.once('error', (error) => reject(new Error(`cannot run ${program}: ${error.message}`)));
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}:\n${log}`)));
  });
  gone.catch(() => {});

  const lines = createInterface({ input: child.stdout });
  const said = (words) =>
    new Promise((resolve) => {
      lines.on('line', (line) => line.startsWith(words) && resolve(line.slice(words.length)));
    });
  const [gateway, origin] = await Promise.race([
    Promise.all([said('mock gateway on '), said('listening on ')]),
    gone,
  ]);

  return {
    origin,
    gateway,
    get log() {
      return log;
    },
    async stop() {
      process.removeListener('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      kill();
      await exit;
    },
  };
}
