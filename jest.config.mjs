function compiledTo(type) {
  return [
    '@swc/jest',
    {
      swcrc: false,
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: {
          legacyDecorator: true,
          decoratorMetadata: true,
          useDefineForClassFields: false,
        },
        keepClassNames: true,
      },
      module: { type },
      sourceMaps: true,
    },
  ];
}

/** `npm test`: all but the long tests (`*.full.spec.ts`). */
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: {
    // Tests that import the package by name run its source, not a build.
    customExportConditions: ['nestjs-llm-callbacks:source', 'node', 'node-addons'],
  },
  // The modules of a finished test file are not freed under --experimental-vm-modules; a fresh worker begins at zero.
  // One more than the cores of a small machine: many tests wait for a server or a timer.
  maxWorkers: 3,
  workerIdleMemoryLimit: '700MB',
  // No test is about time; a busy machine must not fail one.
  testTimeout: 60_000,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '\\.full\\.spec\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.c?js$': '$1' },
  moduleFileExtensions: ['ts', 'cts', 'js', 'cjs', 'mjs', 'json', 'node'],
  transform: { '^.+\\.ts$': compiledTo('es6'), '^.+\\.cts$': compiledTo('commonjs') },
  // The babel provider would count the helpers that swc adds.
  coverageProvider: 'v8',
};
