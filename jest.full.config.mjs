import config from './jest.config.mjs';

/** `npm run test:full`: all tests, also those that take long or load the machine. */
export default {
  ...config,
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 10 * 60_000,
};
