// jest.setup.ts, listed in `setupFilesAfterEnv`
import { forbidRealLlm } from 'nestjs-llm-callbacks/testing';

forbidRealLlm();
