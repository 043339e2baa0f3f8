import { strict as assert } from 'node:assert';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as pkg from 'nestjs-llm-callbacks';
import * as testing from 'nestjs-llm-callbacks/testing';
import { VERSION } from 'openai/version';
import copies from './copies.cjs';
import { client, library, version } from './library/index.mjs';

assert.notEqual(version.split('.')[0], VERSION.split('.')[0], 'both have the same openai');
const llm = { provider: 'openai', model: 'ready', client };
await copies.check({ pkg, testing, common, core }, library, [{ name: 'library', llm }]);
