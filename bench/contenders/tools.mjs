// The tool that is offered where the streamed answer is a call of it. Nobody executes it.
import { REPORT_TOOL } from '../server/text.mjs';

export const reportTool = {
  name: REPORT_TOOL,
  description: 'Writes a report.',
  parameters: {
    type: 'object',
    properties: { report: { type: 'string' } },
    required: ['report'],
    additionalProperties: false,
  },
};

/** A tool as OpenAI's chat completions want it. */
export function openAiTool({ name, description, parameters }) {
  return { type: 'function', function: { name, description, parameters } };
}

/** A tool as Anthropic's messages want it. */
export function anthropicTool({ name, description, parameters }) {
  return { name, description, input_schema: parameters };
}
