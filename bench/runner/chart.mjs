// A chart of the peers as SVG, by hand: it must look well as an image in a README, on a light and on a dark page.

/** Those that say most; each is left out where it was not measured. */
const CHARTED = ['openai-stream-64', 'anthropic-stream-64', 'openai-call', 'agent-1'];

/** What ours is called where it stands alone. */
const OWN_NAME = 'nestjs-llm-callbacks';

const WIDTH = 800;
const LABELS_END = 170;
const BARS_END = 700;
const BAR = 20;
const ROW = 28;
const HEADING = 44;
const TOP = 56;
const BOTTOM = 16;

const STYLE = `
  text { font: 14px -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .heading, .own { font-weight: 600; }
  .small { font-size: 13px; fill: #59636e; }
  .bar { fill: #afb8c1; }
  .bar.own { fill: #1f883d; }
  .first { stroke: #59636e; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .bar { fill: #59636e; }
    .bar.own { fill: #3fb950; }
    .first { stroke: #9198a1; }
  }
`;

/** The chart of kept results, or nothing where none of its workloads is among them. */
export function chart({ node, results }) {
  const groups = CHARTED.flatMap((name) => results.filter((result) => result.name === name)).map(
    ({ title, unit, contenders }) => ({
      heading: `${title}, per ${unit}`,
      first: contenders[0].contender,
      bars: barsOf(contenders),
    }),
  );
  if (groups.length === 0) return undefined;
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)));
  const scale = (BARS_END - LABELS_END) / most;
  let y = TOP;
  const parts = groups.map((group) => {
    const drawn = drawGroup(group, y, scale);
    y += HEADING + group.bars.length * ROW;
    return drawn;
  });
  return page(y + BOTTOM, `Node ${node.split('.')[0]}`, parts, describe(groups));
}

/** Without the control, and without the price of a context, which is for the tables; the cheapest comes first. */
function barsOf(contenders) {
  return contenders
    .filter(({ contender, control }) => !control && !contender.endsWith('in AsyncLocalStorage'))
    .map(({ contender, ratio }) => ({
      name: contender === 'ours' ? OWN_NAME : contender,
      ratio: ratio.median,
    }))
    .toSorted((a, b) => a.ratio - b.ratio);
}

function drawGroup({ heading, first, bars }, top, scale) {
  const rows = top + HEADING - 12;
  const one = (LABELS_END + scale).toFixed(1);
  return [
    text(0, top + 20, heading, 'heading'),
    text(WIDTH, top + 20, `${first} = 1`, 'small', 'end'),
    ...bars.map((bar, i) => drawBar(bar, rows + i * ROW, scale)),
    `<line class="first" x1="${one}" x2="${one}" y1="${rows - 4}" y2="${rows + bars.length * ROW - 4}"/>`,
  ].join('\n');
}

function drawBar({ name, ratio }, y, scale) {
  const own = name === OWN_NAME ? ' own' : '';
  const width = Math.max(1, ratio * scale);
  const baseline = y + BAR - 5;
  return [
    text(LABELS_END - 10, baseline, name, own.trim(), 'end'),
    `<rect class="bar${own}" x="${LABELS_END}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
    text(LABELS_END + width + 8, baseline, ratio.toFixed(2), own.trim()),
  ].join('\n');
}

function page(height, where, parts, description) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">CPU time for the same work</title>
<desc id="description">${escape(description)}</desc>
<style>${STYLE}</style>
${text(0, 20, 'CPU time for the same work', 'title')}
${text(0, 42, `${where}; less is better`, 'small')}
${parts.join('\n')}
</svg>
`;
}

/** The same in words, for those who do not see it. */
function describe(groups) {
  return groups
    .map(({ heading, bars }) => {
      const values = bars.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`);
      return `${heading}: ${values.join(', ')}.`;
    })
    .join(' ');
}

function text(x, y, content, name, anchor = 'start') {
  return `<text x="${Number(x.toFixed(1))}" y="${y}" class="${name}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
