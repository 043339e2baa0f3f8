import * as common from '@nestjs/common';
import * as pkg from 'nestjs-llm-callbacks';
import OpenAI from 'openai';
import { VERSION } from 'openai/version';
import copies from '../copies.cjs';

export const library = copies.makeLibrary(pkg, common);
export const client = copies.readyClient(OpenAI, 'from library');
export const version = VERSION;
