// The progress of a ticket, as a list. All texts are set as text content: they come from models and customers.

const STATUS = {
  running: 'Running',
  waiting: 'Waiting',
  done: 'Done',
  failed: 'Failed',
  denied: 'Denied',
};
const NUMBERS = new Intl.NumberFormat('en-US');

export class ProgressList {
  #rows = new Map();
  #spent = new Map();

  constructor({ list, turns, tokens, cost }) {
    this.list = list;
    this.totals = { turns, tokens, cost };
  }

  clear() {
    this.#rows.clear();
    this.#spent.clear();
    this.list.replaceChildren();
    this.#showTotals();
  }

  /** Shows a progress entry in the row of its id. */
  show(progress) {
    const row = this.#rows.get(progress.id) ?? this.#addRow(progress);
    const { status, detail, durationMs } = progress;
    row.item.dataset.status = status;
    row.status.textContent = STATUS[status];
    row.duration.textContent = durationMs === undefined ? '' : `${Math.round(durationMs)} ms`;
    if (detail) row.detail.textContent = detail;
    row.detail.hidden = row.detail.textContent === '';
    if (status === 'running') row.item.scrollIntoView({ block: 'nearest' });
    if (progress.kind === 'turn') {
      this.#spent.set(progress.id, progress);
      this.#showTotals();
    }
  }

  /** Entries that have not ended when the ticket fails will never end. */
  stop() {
    for (const { item, status } of this.#rows.values()) {
      if (item.dataset.status !== 'running') continue;
      item.dataset.status = 'failed';
      status.textContent = STATUS.failed;
    }
  }

  #addRow({ id, kind, title }) {
    const row = {
      item: element('li', kind),
      status: element('span', 'status'),
      duration: element('span', 'duration'),
      detail: element('p', 'detail'),
    };
    const name = element('span', 'name');
    name.textContent = kind === 'turn' ? `Turn ${this.#spent.size + 1}` : title;
    const about = element('span', 'about');
    about.textContent = { turn: title, tool: 'tool', retrieval: 'search' }[kind];
    const line = element('div', 'line');
    line.append(name, about, row.duration, row.status);
    row.item.append(line, row.detail);
    this.#rows.set(id, row);
    this.list.append(row.item);
    return row;
  }

  #showTotals() {
    const turns = [...this.#spent.values()];
    const tokens = turns.reduce((sum, turn) => sum + (turn.tokens ?? 0), 0);
    const isPriced = turns.every(({ cost }) => cost !== null);
    const cost = turns.reduce((sum, turn) => sum + (turn.cost ?? 0), 0);
    this.totals.turns.textContent = NUMBERS.format(turns.length);
    this.totals.tokens.textContent = NUMBERS.format(tokens);
    this.totals.cost.textContent = isPriced ? `$${cost.toFixed(6)}` : 'unknown';
  }
}

function element(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
