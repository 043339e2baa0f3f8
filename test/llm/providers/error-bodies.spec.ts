import { testErrorBodies } from './test-error-bodies.js';

testErrorBodies('generate');
