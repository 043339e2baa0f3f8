// Compiles the library and the sample app as they are now, then runs the app in this process.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, tsc } from './tools.mjs';

console.log('Compiling the library and the sample application; this takes some seconds …');

const out = join(root, 'dist-sample');
rmSync(out, { recursive: true, force: true });
// The app imports the package by its name, which leads to the bundle.
await import('./build.mjs');
tsc('tsconfig.sample.json');

await import(pathToFileURL(join(out, 'sample-app/main.js')).href);
