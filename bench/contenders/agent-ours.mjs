// The library's agent: AgentService with a `@Tool()` method, CostTracker, and a synchronous hook that hears each tool; and
// a CostLimiter or OpenTelemetry where they are asked for.
import { Budget } from './budget.mjs';
import { library, startApplication } from './library.mjs';
import { decorate } from './nest.mjs';
import { findOrder, orderTool, questionFor, repeatAgent } from './orders.mjs';
import { MODELS } from './question.mjs';
import { startTelemetry } from './telemetry.mjs';

const { AgentService, CostTracker, OnToolEnd, Tool } = library;

class OrderTools {
  find(args) {
    return findOrder(args);
  }
}
decorate(OrderTools.prototype, 'find', Tool(orderTool));

class ToolHook {
  heard = 0;

  onTool() {
    this.heard++;
  }
}
decorate(ToolHook.prototype, 'onTool', OnToolEnd());

export async function setUp({ baseURL, calls, limited = false, telemetry: kind }) {
  const llm = { provider: 'openai', model: MODELS.openai, baseURL, apiKey: 'none', maxRetries: 0 };
  const agent = { tools: [OrderTools] };
  const budget = limited ? new Budget() : undefined;
  const telemetry = kind && (await startTelemetry(kind));
  const callbacks = [...(budget?.callbacks ?? []), ...(telemetry ? [telemetry.callbacks] : [])];
  const options = { llm, agent, callbacks };
  const app = await startApplication(options, [CostTracker, OrderTools, ToolHook]);
  const [service, costs, hook] = [AgentService, CostTracker, ToolHook].map((one) => app.get(one));
  return {
    async run(times) {
      costs.reset();
      await budget?.reset();
      const work = await repeatAgent(times, () => ask(service, questionFor(calls)), hook);
      if (costs.totalTokens !== work.inputTokens + work.outputTokens || costs.totalCost <= 0)
        throw new Error(`CostTracker counted ${JSON.stringify(costs.snapshot())}.`);
      await budget?.check(costs);
      await telemetry?.check();
      return work;
    },
    async close() {
      await app.close();
      await telemetry?.close();
    },
  };
}

async function ask(service, question) {
  const { output, usage } = await service.run(question);
  const { inputTokens, outputTokens } = usage;
  return { answers: 1, characters: output.length, inputTokens, outputTokens };
}
