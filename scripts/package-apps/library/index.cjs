const common = require('@nestjs/common');
const pkg = require('nestjs-llm-callbacks');
const OpenAI = require('openai');
const { VERSION } = require('openai/version');
const copies = require('../copies.cjs');

exports.library = copies.makeLibrary(pkg, common);
exports.client = copies.readyClient(OpenAI.OpenAI, 'from library');
exports.version = VERSION;
