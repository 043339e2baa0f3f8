// A clock for a whole process: each turn of the event loop is a millisecond. A busy machine slows it down with the
// process, so that timeouts expire in the same order there as on an idle one. Import it before the library.
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';

let now = 0;
mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
// For imports by name.
syncBuiltinESMExports();
performance.now = () => now;

(function turn() {
  now++;
  mock.timers.tick(1);
  setImmediate(turn);
})();
