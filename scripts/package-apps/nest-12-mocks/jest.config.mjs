export default {
  testEnvironment: 'node',
  testRegex: 'out/.*\\.spec\\.js$',
  transform: {},
};
