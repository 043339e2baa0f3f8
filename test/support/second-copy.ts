import { jest } from '@jest/globals';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import type * as Package from 'nestjs-llm-callbacks';

/** A second copy of the package in this process, beside the one that the test imports; both use the same Nest. */
export async function secondCopy(): Promise<typeof Package> {
  jest.resetModules();
  jest.unstable_mockModule('@nestjs/common', () => common);
  jest.unstable_mockModule('@nestjs/core', () => core);
  return import('nestjs-llm-callbacks');
}
