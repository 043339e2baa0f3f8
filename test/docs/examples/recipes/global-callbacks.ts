import { Injectable } from '@nestjs/common';
import { CallbacksService, CostTracker, LoggingCallbacks } from 'nestjs-llm-callbacks';

@Injectable()
export class Monitoring {
  constructor(private readonly callbacks: CallbacksService) {}

  start() {
    // Replaces what was set before, and the list of forRoot. Discovered callbacks stay.
    this.callbacks.setGlobalCallbacks([new CostTracker(), new LoggingCallbacks({ json: true })]);
  }

  watch(costs: CostTracker) {
    const removeTracker = this.callbacks.add(costs);
    const removeAlarm = this.callbacks.on(
      'llm.end',
      (event) => console.warn(`expensive: ${event.runId} cost $${event.cost}`),
      { when: (event) => (event.cost ?? 0) > 0.5 },
    );
    return () => {
      removeTracker();
      removeAlarm();
    };
  }
}
