import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, tsc } from './tools.mjs';

rmSync(join(root, 'dist'), { recursive: true, force: true });
tsc('tsconfig.build.json');
tsc('tsconfig.cjs.json');

// Without it Node would read the CommonJS copy as ESM, as the package's own type says.
writeFileSync(join(root, 'dist/cjs/package.json'), '{"type":"commonjs"}\n');
