// One installation, both of whose builds are loaded: the application imports the package, the library requires it.
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as pkg from 'nestjs-llm-callbacks';
import * as testing from 'nestjs-llm-callbacks/testing';
import copies from './copies.cjs';
import required from './required-library.cjs';

copies.check({ pkg, testing, common, core }, required.library).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
