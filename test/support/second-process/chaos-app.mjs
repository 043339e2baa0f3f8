// An application with calls of every kind and faults, which then closes: nothing may keep its process alive.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, settings] = process.argv;
const { calls, seed, isIntercepted } = JSON.parse(settings);
const load = (file) => import(pathToFileURL(join(folder, 'support', file)).href);
const { startChaosApp } = await load('chaos/app.js');
const { makeCalls } = await load('chaos/calls.js');
const { badRuns } = await load('chaos/runs.js');
const { Random } = await load('wire/random.js');

const { app, recording } = await startChaosApp({ seed, isIntercepted, logger: false });
await makeCalls(app, (number) => new Random(seed * 100_000 + number), calls);
await app.close();
process.send({ events: recording.events.length, badRuns: badRuns(recording.events) });
process.disconnect();
