// Starts the sample app as a reader would, waits until it says where it listens, and stops it.
import { spawn } from 'node:child_process';
import { root } from './tools.mjs';

const LIMIT_MS = 90_000;

const app = spawn('npm', ['start'], {
  cwd: root,
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'pipe'],
  // Its own process group: a signal to npm alone would leave the app running.
  detached: true,
});

let output = '';
let url;
const listening = new Promise((resolve, reject) => {
  const read = (chunk) => {
    output += chunk;
    url ??= /https?:\/\/[\w.[\]:-]+:\d+/.exec(output)?.[0];
    if (url) resolve();
  };
  app.stdout.on('data', read);
  app.stderr.on('data', read);
  app.on('error', reject);
  app.on('exit', (code) => reject(new Error(`ended with ${code} before it listened`)));
  setTimeout(() => reject(new Error('did not listen in time')), LIMIT_MS).unref();
});

try {
  await listening;
  console.log(`listens on ${url}`);
} catch (error) {
  console.log(output);
  console.log(error.message);
  process.exitCode = 1;
} finally {
  const { pid } = app;
  if (pid !== undefined && app.exitCode === null) {
    app.removeAllListeners('exit');
    const ended = new Promise((resolve) => app.on('close', resolve));
    process.kill(-pid, 'SIGTERM');
    const timer = setTimeout(() => process.kill(-pid, 'SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }
}
