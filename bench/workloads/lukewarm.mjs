// The work of a process that has not been busy for long: the same amount for everyone, of which the engine has compiled
// only a part when it is done. How much is done belongs to the workload, so that figures can be compared with later ones.
import {
  agentOf,
  AI_SDK,
  callOf,
  CHUNKS,
  LABELS,
  LANGCHAIN,
  OURS,
  SMOKE,
  streamOf,
} from './wire.mjs';

/** How often the work is done in one turn; a round has one turn of everyone. */
const TIMES = { calls: 500, runs: 200, streams: 30 };
/** One process a contender, of which every turn begins with a collected heap. */
const LUKEWARM = {
  state: 'lukewarm',
  warmUpRounds: 3,
  mostRounds: 7,
  mostSets: 1,
  isOneTurn: true,
  collects: true,
};
const LIMITED = { options: { limited: true } };

export function lukewarmWorkloads({ smoke = false } = {}) {
  const chunks = smoke ? SMOKE.chunks : CHUNKS;
  const streams = { chunks, times: smoke ? SMOKE.times : TIMES.streams };
  const [calls, runs] = [TIMES.calls, TIMES.runs].map((full) => (smoke ? SMOKE.calls : full));
  return [
    lukewarm(callOf('openai', calls), {
      name: 'warm-openai-call',
      title: 'OpenAI call, not streamed',
      contenders: [...rawOf('openai'), AI_SDK, LANGCHAIN, ...oursAndLimited(OURS, 1.25)],
      goals: [{ to: 'raw SDK', ratio: 1.15 }],
    }),
    lukewarm(agentOf(1, runs), {
      name: 'warm-agent',
      title: 'Agent, one tool call',
      contenders: [
        ...twice('by hand', 'agent-by-hand'),
        { name: 'AI SDK', module: 'agent-ai-sdk' },
        { name: 'LangChain', module: 'agent-langchain' },
        ...oursAndLimited({ name: 'ours', module: 'agent-ours' }, 1.3, 'by hand'),
      ],
      goals: [{ to: 'by hand', ratio: 1.22 }],
    }),
    lukewarm(streamOf('openai', 1, streams), {
      name: 'warm-openai-stream',
      title: `${LABELS.openai} stream, 1 event a packet`,
      contenders: [...rawOf('openai'), AI_SDK, LANGCHAIN, ...oursAndLimited(OURS, 0.6)],
      goals: [{ to: 'raw SDK', ratio: 0.5 }],
    }),
    lukewarm(streamOf('anthropic', 1, streams), {
      name: 'warm-anthropic-stream',
      title: `${LABELS.anthropic} stream, 1 event a packet`,
      contenders: [...rawOf('anthropic'), AI_SDK, LANGCHAIN, OURS],
      goals: [{ to: 'raw SDK', ratio: 0.9 }],
    }),
  ];
}

function lukewarm(workload, { title, ...own }) {
  return { ...workload, ...LUKEWARM, ...own, title: `Lukewarm: ${title}` };
}

function rawOf(wire) {
  return twice('raw SDK', `${wire}-sdk`);
}

function twice(name, module) {
  return [
    { name, module },
    { name: `${name} again`, module, control: true },
  ];
}

/** The second time each call is reserved and settled by a limiter, which has a goal of its own. */
function oursAndLimited(ours, ratio, to = 'raw SDK') {
  const goals = [{ to, ratio }];
  return [ours, { ...ours, ...LIMITED, name: 'ours with CostLimiter', goals }];
}
