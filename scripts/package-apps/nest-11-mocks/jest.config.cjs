module.exports = {
  testEnvironment: 'node',
  testRegex: '\\.spec\\.ts$',
  moduleNameMapper: { '^(\\./.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': 'ts-jest' },
};
