const common = require('@nestjs/common');
const pkg = require('nestjs-llm-callbacks');
const copies = require('./copies.cjs');

exports.library = copies.makeLibrary(pkg, common);
