const { strict: assert } = require('node:assert');
const common = require('@nestjs/common');
const core = require('@nestjs/core');
const pkg = require('nestjs-llm-callbacks');
const testing = require('nestjs-llm-callbacks/testing');
const { VERSION } = require('openai/version');
const copies = require('./copies.cjs');
const { client, library, version } = require('./library/index.cjs');

assert.notEqual(version.split('.')[0], VERSION.split('.')[0], 'both have the same openai');
const llm = { provider: 'openai', model: 'ready', client };
copies.check({ pkg, testing, common, core }, library, [{ name: 'library', llm }]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
