import config from './jest.config.mjs';

/** `npm run test:unit`: the tests without servers and applications. */
export default { ...config, testMatch: ['**/*.unit.spec.ts'] };
